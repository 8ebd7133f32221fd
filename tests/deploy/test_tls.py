"""TLS by an overlay, deployed through a Docker context, as to another machine."""

import asyncio
import subprocess
from collections.abc import Iterator

import pytest

from local_stack.ports import choose_ports
from tests.deploy.site import PROJECT, Site


@pytest.fixture
def context() -> Iterator[str]:
    """A Docker context that means the engine of this machine."""
    show = ["docker", "context", "inspect", "-f", "{{.Endpoints.docker.Host}}"]
    host = subprocess.run(show, capture_output=True, text=True, check=True).stdout.strip()
    create = ["docker", "context", "create", PROJECT, "--docker", f"host={host}"]
    subprocess.run(create, capture_output=True, check=True)
    yield PROJECT
    subprocess.run(["docker", "context", "rm", "-f", PROJECT], capture_output=True, check=True)


def make_certificate(site: Site) -> None:
    """Make one that only this test trusts."""
    folder = site.checkout.root / "secrets/tls"
    folder.mkdir()
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
            "subjectAltName=DNS:localhost", "-keyout", folder / "key.pem",
            "-out", folder / "certificate.pem",
        ],
        capture_output=True,
        check=True,
    )  # fmt: skip


def ask(site: Site, url: str) -> tuple[str, dict[str, str]]:
    """Ask as a browser that knows the certificate would; return the first line and the headers."""
    certificate = str(site.checkout.root / "secrets/tls/certificate.pem")
    command = [
        "curl",
        "-s",
        "-I",
        "--http2",
        "--cacert",
        certificate,
        "-H",
        f"Host: {site.domain}",
    ]
    done = subprocess.run([*command, url], capture_output=True, text=True, check=True)
    first, *lines = done.stdout.splitlines()
    return first.strip(), {
        name.lower(): text.strip() for name, _, text in (line.partition(":") for line in lines)
    }


async def test_tls(site: Site, codes: list[str], context: str) -> None:
    """HTTP/2 and HSTS with the certificate, without TLS only the way to it, and no TLS inside."""
    (port,) = choose_ports(["tls"], wanted={}).values()
    make_certificate(site)
    site.checkout.set(
        COMPOSE_FILE="docker-compose.yml:deploy/tls.compose.yml",
        TLS_PORT=str(port),
        HSTS_MAX_AGE_S="300",
    )
    code, said = await asyncio.to_thread(site.run_release, "deploy", "three", context=context)
    assert code == 0, said
    first, headers = ask(site, f"https://localhost:{port}/{codes[0]}")
    assert first == "HTTP/2 302"
    assert headers["location"] == "https://example.org/0"
    assert headers["strict-transport-security"] == "max-age=300"
    first, headers = ask(site, f"https://localhost:{port}/.unknown")
    assert (first, headers["strict-transport-security"]) == ("HTTP/2 404", "max-age=300")
    first, headers = ask(site, f"http://localhost:{site.ports['public']}/{codes[0]}")
    assert first == "HTTP/1.1 308 Permanent Redirect"
    assert headers["location"] == f"https://localhost/{codes[0]}"
    assert "strict-transport-security" not in headers
    assert site.make_links(1)
