"""Whether a program answers: one short question each, in the program's own protocol."""

import http.client
import json
import socket
import struct

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


def service_answers(port: int) -> str:
    """Ask one of our services for its own view, "ok" or "degraded"."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=2 * TIMEOUT_S)
    try:
        connection.request("GET", "/readyz")
        response = connection.getresponse()
        body = response.read()
    except http.client.HTTPException as error:
        raise ConnectionError(f"not HTTP: {error!r}") from error
    finally:
        connection.close()
    if response.status != http.client.OK:
        raise ConnectionError(_summary(body) or f"/readyz answers {response.status}")
    try:
        return str(json.loads(body)["status"])
    except (ValueError, TypeError, KeyError):
        return "ok"


def _summary(body: bytes) -> str:
    """Return which checks of a /readyz answer failed."""
    try:
        checks = json.loads(body)["checks"]
        return ", ".join(
            f"{name}: {check.get('reason', check['status'])}"
            for name, check in checks.items()
            if check["status"] != "ok"
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        return ""


def _ask(port: int, question: bytes, answer: bytes) -> str:
    with _connect(port) as connection:
        connection.sendall(question)
        received = b""
        while len(received) < len(answer):
            part = connection.recv(len(answer) - len(received))
            if not part:
                raise ConnectionError("closed the connection")
            received += part
    if received != answer:
        raise ConnectionError(f"answered {received!r}")
    return "ok"


def _connect(port: int) -> socket.socket:
    return socket.create_connection((LOOPBACK, port), timeout=TIMEOUT_S)
