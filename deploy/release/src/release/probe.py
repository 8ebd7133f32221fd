"""Scripts that are sent into a release's containers to ask what cannot be asked from outside."""

from pathlib import Path

from release.compose import Compose
from release.errors import ReleaseError

_SCRIPTS = Path(__file__).parent / "probes"


def ask_inside(compose: Compose, service: str, probe: str, *arguments: str) -> str:
    """Run a probe in the running container of a service; return what it prints.

    Raises:
        ReleaseError: with what it complains about.
    """
    done = compose.attempt("exec", "-T", service, "python3", "-", *arguments, given=_script(probe))
    if done.returncode != 0:
        raise ReleaseError(f"{service}: {_said(done.stderr) or _said(done.stdout)}")
    return done.stdout.decode().strip()


def ask_beside(compose: Compose, service: str, probe: str, *arguments: str, network: str) -> str:
    """Run a probe in a container of its own that has the service's image, settings and secrets.

    And what the service has of the host, where its certificates may be, to read.

    Raises:
        ReleaseError: with what it complains about.
    """
    described = compose.services[service]
    words = ["run", "--rm", "-i", "--read-only", "--cap-drop", "ALL", "--network", network]
    for name, value in described.get("environment", {}).items():
        # Compose writes each dollar twice, for whoever reads its model as a file.
        words += ["-e", f"{name}={(value or '').replace('$$', '$')}"]
    for secret in described.get("secrets", []):
        name = secret["source"]
        file = compose.secret_file(name)
        words += ["--mount", f"type=bind,src={file},dst=/run/secrets/{name},readonly"]
    for volume in described.get("volumes", []):
        if volume["type"] == "bind":
            source, target = volume["source"], volume["target"]
            words += ["--mount", f"type=bind,src={source},dst={target},readonly"]
    words += ["--entrypoint", "python3", compose.image(service), "-", *arguments]
    done = compose.docker.attempt(*words, given=_script(probe))
    if done.returncode != 0:
        raise ReleaseError(f"{service}: {_said(done.stderr) or _said(done.stdout)}")
    return done.stdout.decode().strip()


def _script(probe: str) -> bytes:
    return (_SCRIPTS / f"{probe}.py").read_bytes()


def _said(output: bytes) -> str:
    return output.decode(errors="replace").strip()
