"""The containers under test: started, deployed to, asked what they have, and taken away."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

from tests.deploy.checkout import Checkout
from tests.support.stored import COUNTS
from tests.support.verdict import Stored

PROJECT = "qck-test-deploy"
STORED_WITHIN_S = 90.0


def tell(text: str) -> None:
    """Show what goes on, at once."""
    sys.stdout.write(text)
    sys.stdout.flush()


class Site:
    """One stack of containers with its checkout."""

    def __init__(self, folder: Path, ports: Mapping[str, int]) -> None:
        self.folder = folder
        self.ports = ports
        self.checkout = Checkout(folder / "checkout")
        self.checkout.set(
            PUBLIC_PORT=str(ports["public"]),
            API_PORT=str(ports["api"]),
            CONTAINER_NETWORK="172.30.84",
            IMAGE_PREFIX=PROJECT,
            DEPLOY_FOLDER=str(folder / "host"),
        )
        self.checkout.make_secrets()

    @property
    def domain(self) -> str:
        """The default domain."""
        return f"localhost:{self.ports['public']}"

    @property
    def api_key(self) -> str:
        """The first key."""
        return (self.checkout.root / "secrets/initial_api_key").read_text().strip()

    def compose(self, *arguments: str) -> str:
        """Run docker compose in the checkout."""
        command = ["docker", "compose", "-p", PROJECT, *arguments]
        done = subprocess.run(
            command, cwd=self.checkout.root, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def release(self, *arguments: str, context: str = "") -> "subprocess.Popen[str]":
        """Start `python -m release`; what it prints is one stream."""
        return subprocess.Popen(
            [
                sys.executable, "-P", "-m", "release",
                "--root", str(self.checkout.root), "--project", PROJECT, *arguments,
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, **({"DOCKER_CONTEXT": context} if context else {})},
            # A signal is for it and whom it has started, as from a terminal.
            start_new_session=True,
        )  # fmt: skip

    def run_release(self, *arguments: str, context: str = "") -> tuple[int, str]:
        """Run it to its end; show what it prints."""
        with self.release(*arguments, context=context) as process:
            assert process.stdout is not None
            lines = []
            for line in process.stdout:
                tell(f"    {line}")
                lines.append(line)
            return process.wait(), "".join(lines)

    def interrupt_release(self, at: str, signal_number: int, *arguments: str) -> int:
        """Run it until it prints `at`, and a second more; then signal it and whom it started."""
        with self.release(*arguments) as process:
            assert process.stdout is not None
            for line in process.stdout:
                tell(f"    {line}")
                if at in line:
                    break
            time.sleep(1)
            os.killpg(process.pid, signal_number)
            tell(f"    ({signal.Signals(signal_number).name})\n")
            return process.wait()

    def containers(self) -> dict[str, dict[str, Any]]:
        """Return what the engine says of each service's container."""
        ids = self.compose("ps", "-aq").split()
        done = subprocess.run(["docker", "inspect", *ids], capture_output=True, check=True)
        return {
            str(each["Config"]["Labels"]["com.docker.compose.service"]): each
            for each in json.loads(done.stdout)
        }

    def version(self, service: str) -> str:
        """Return the version in the labels of what runs."""
        labels = self.containers()[service]["Config"]["Labels"]
        return str(labels["org.opencontainers.image.version"])

    def make_links(self, count: int) -> list[str]:
        """Make links through the internal door."""
        made = []
        with httpx2.Client(
            base_url=f"http://127.0.0.1:{self.ports['api']}/rest/v3",
            headers={"X-Api-Key": self.api_key},
            timeout=10,
        ) as client:
            for number in range(count):
                body = {"longUrl": f"https://example.org/{number}"}
                answer = client.post("/short-urls", json=body)
                assert answer.status_code == 200, answer.text
                made.append(str(answer.json()["shortCode"]))
        return made

    def query(self, statement: str) -> str:
        """Ask the database, as a person with psql would."""
        psql = ["psql", "-qAt", "-U", "qck", "-h", "/var/run/postgresql", "-d", "qck"]
        return self.compose("exec", "-T", "postgres", *psql, "-c", statement)

    def stored(self, answered: set[str]) -> Stored:
        """Wait until all that was answered is stored, or not any more; return what there is."""
        deadline = time.monotonic() + STORED_WITHIN_S
        while True:
            ids = self.query("SELECT request_id FROM clicks").split()
            if answered <= set(ids) or time.monotonic() > deadline:
                break
            time.sleep(1)
        counts = json.loads(self.query(f"SELECT row_to_json(counts) FROM ({COUNTS}) AS counts"))
        return Stored(request_ids=ids, **counts)


@contextmanager
def a_site(folder: Path, ports: Mapping[str, int]) -> Iterator[Site]:
    """Have everything run, as a newcomer starts it; leave nothing behind."""
    site = Site(folder, ports)
    _clear(site)  # of what a run that was killed had no time to take away
    try:
        site.compose("up", "-d", "--wait", "--build")
        yield site
    finally:
        _clear(site)


def _clear(site: Site) -> None:
    site.compose("down", "-v", "--remove-orphans", "--timeout", "30")
    images = ["docker", "image", "ls", "-q", "--filter", f"reference={PROJECT}/*"]
    ids = set(subprocess.run(images, capture_output=True, text=True, check=True).stdout.split())
    if ids:
        subprocess.run(["docker", "image", "rm", "-f", *ids], capture_output=True, check=True)


def left_behind() -> str:
    """Return what Docker still has of the project."""
    label = ["--filter", f"label=com.docker.compose.project={PROJECT}"]
    found = ""
    for kind in (["ps", "-aq"], ["volume", "ls", "-q"], ["network", "ls", "-q"]):
        done = subprocess.run(
            ["docker", *kind, *label], capture_output=True, text=True, check=True
        )
        found += done.stdout
    return found
