"""How long a byte takes to another process and back on this machine: what a lookup is made of.

Two processes wake each other for it, over TCP on loopback. A quiet machine needs a fifth of a
millisecond; a busy one, or a virtual machine that its host lets wait, many times as much.
`python -m tests.bench.round_trip SECONDS` prints the milliseconds of 95 in 100 trips.
"""

import socket
import subprocess
import sys
import time

SHARE = 0.95
PAUSE_S = 0.005
"""Between two trips, in which processors halt as they do between 200 visitors a second."""
_STARTS_WITHIN_S = 10
_ECHO = """
import socket, sys
peer = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
while byte := peer.recv(1):
    peer.sendall(byte)
"""


def round_trip_p95_s(for_s: float = 1.0) -> float:
    """Return what 95 in 100 trips took at most."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(_STARTS_WITHIN_S)
        port = server.getsockname()[1]
        with subprocess.Popen([sys.executable, "-c", _ECHO, str(port)]) as echo:
            try:
                peer, _ = server.accept()
                with peer:
                    trips_s = sorted(_trips_s(peer, for_s))
            finally:
                echo.kill()
    return trips_s[int(len(trips_s) * SHARE)]


def _trips_s(peer: socket.socket, for_s: float) -> list[float]:
    trips_s: list[float] = []
    deadline = time.monotonic() + for_s
    while not trips_s or time.monotonic() < deadline:
        time.sleep(PAUSE_S)
        began = time.perf_counter()
        peer.sendall(b"x")
        peer.recv(1)
        trips_s.append(time.perf_counter() - began)
    return trips_s


if __name__ == "__main__":
    print(f"{1000 * round_trip_p95_s(float(sys.argv[1])):.2f}")  # noqa: T201
