"""Whether a program answers: one short question each, in the program's own protocol."""

import http.client
import json
import socket
import struct
from contextlib import suppress
from typing import Any

from local_stack.ports import LOOPBACK

TIMEOUT_S = 1.0


def accepts(port: int) -> str:
    """Ask for no more than an open port."""
    with _connect(port):
        return "ok"


def epmd_answers(port: int) -> str:
    """Ask epmd for the names that it knows; it complains in its log about less."""
    return _ask(port, b"\x00\x01n", struct.pack("!i", port))


def redis_answers(port: int, password: str) -> str:
    """Ask Redis for a PING with its password."""
    words = [b"AUTH", password.encode(), b"PING"]
    command = b"".join(
        b"*%d\r\n" % len(part) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in part)
        for part in (words[:2], words[2:])
    )
    return _ask(port, command, b"+OK\r\n+PONG\r\n")


def postgres_answers(port: int) -> str:
    """Ask PostgreSQL for a session; being asked for the password is proof enough."""
    body = struct.pack("!i", 196_608) + b"user\0qck\0database\0qck\0\0"
    return _ask(port, struct.pack("!i", len(body) + 4) + body, b"R")


def rabbitmq_answers(port: int) -> str:
    """Ask RabbitMQ to begin a connection; it listens only once it has read its definitions."""
    return _ask(port, b"AMQP\x00\x00\x09\x01", b"\x01")


def prometheus_answers(port: int) -> str:
    """Ask Prometheus whether it has read what it kept, and serves."""
    status, _ = _get(port, "/-/ready")
    if status != http.client.OK:
        raise ConnectionError(f"/-/ready answers {status}")
    return "ok"


def service_answers(port: int) -> str:
    """Ask one of our services for its own view, "ok" or "degraded"."""
    status, health = service_health(port)
    if status != http.client.OK:
        raise ConnectionError(_failed(health) or f"/readyz answers {status}")
    return str(health.get("status", "ok"))


def service_health(port: int) -> tuple[int, dict[str, Any]]:
    """Return what /readyz of one of our services answers, its status and its content."""
    status, body = _get(port, "/readyz")
    try:
        health = json.loads(body)
    except ValueError:
        health = None
    return status, health if isinstance(health, dict) else {}


def _failed(health: dict[str, Any]) -> str:
    """Return which checks failed, and why."""
    return ", ".join(
        f"{name}: {check.get('reason', check['status'])}"
        for name, check in health.get("checks", {}).items()
        if check["status"] != "ok"
    )


def _get(port: int, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=2 * TIMEOUT_S)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()
    except http.client.HTTPException as error:
        raise ConnectionError(f"not HTTP: {error!r}") from error
    finally:
        connection.close()


def _ask(port: int, question: bytes, answer: bytes) -> str:
    with _connect(port) as connection:
        connection.sendall(question)
        received = b""
        while len(received) < len(answer):
            part = connection.recv(len(answer) - len(received))
            if not part:
                raise ConnectionError("closed the connection")
            received += part
        _leave(connection)
    if received != answer:
        raise ConnectionError(f"answered {received!r}")
    return "ok"


def _leave(connection: socket.socket) -> None:
    """Hear the rest, since who is cut short says so in its log."""
    with suppress(OSError):  # it has answered
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(4096):
            pass


def _connect(port: int) -> socket.socket:
    return socket.create_connection((LOOPBACK, port), timeout=TIMEOUT_S)
