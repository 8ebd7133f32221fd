"""The smoke test of a deploy, against doors that answer as the services do."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from release.probes import doors


class Doors(BaseHTTPRequestHandler):
    """Both doors of a release whose first API key has been disabled."""

    unknown: tuple[int, str]
    """What is answered to a short code that nobody has: status and Location."""

    def do_HEAD(self) -> None:
        """Answer a visitor."""
        status, location = self.unknown
        self.send_response(status)
        self.send_header("Location", location)
        self.end_headers()

    def do_GET(self) -> None:
        """Be well."""
        self._answer(200)

    def do_POST(self) -> None:
        """Know no such key."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(401)

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


@pytest.fixture(autouse=True)
def release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Serve the doors, and have the settings of a container in the environment."""
    key = tmp_path / "key"
    key.write_text("a-key-that-was-disabled")
    monkeypatch.setenv("INITIAL_API_KEY_FILE", str(key))
    monkeypatch.setenv("DEFAULT_DOMAIN", "s.example.org")
    with ThreadingHTTPServer(("127.0.0.1", 0), Doors) as server:
        for door in ("PUBLIC", "API"):
            monkeypatch.setattr(doors, door, server.server_address)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("unknown", [(404, ""), (302, "https://example.org/found-nothing")])
def test_without_the_first_key(
    unknown: tuple[int, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An unknown code may be a 404, or lead to where the domain sends those who find nothing."""
    monkeypatch.setattr(Doors, "unknown", unknown, raising=False)
    doors.smoke()
    assert "no link was made" in capsys.readouterr().out


@pytest.mark.parametrize("status", [200, 503])
def test_a_door_that_answers_something_else(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """It fails the deploy."""
    monkeypatch.setattr(Doors, "unknown", (status, ""), raising=False)
    with pytest.raises(doors.ProbeError, match=f"answers {status}"):
        doors.smoke()
