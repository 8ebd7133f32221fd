"""Bodies that are larger than what nginx holds in memory, in a folder that everybody may enter."""

import tempfile
import threading
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from local_stack.ports import LOOPBACK
from tests.support.stack import started_stack

SIZE = 1_000_000


class Shortener(BaseHTTPRequestHandler):
    """A stand-in that answers with the number of bytes that it was sent."""

    def do_POST(self) -> None:
        """Read all, count it."""
        count = b"%d" % len(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Content-Length", str(len(count)))
        self.end_headers()
        self.wfile.write(count)

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


def test_a_large_body_reaches_the_shortener() -> None:
    """nginx puts it aside first, which its workers may do whoever they are."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # else nginx's workers stay who started them
        with started_stack(Path(folder) / "stack", ("redis", "nginx")) as stack:
            server = ThreadingHTTPServer((LOOPBACK, stack.port("shortener")), Shortener)
            threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
            client = HTTPConnection(LOOPBACK, stack.api_port, timeout=60)
            try:
                client.request("POST", "/rest/v3/short-urls/batch", b" " * SIZE)
                answer = client.getresponse()
                assert (answer.status, answer.read()) == (200, b"%d" % SIZE)
            finally:
                client.close()
                server.shutdown()
                server.server_close()
