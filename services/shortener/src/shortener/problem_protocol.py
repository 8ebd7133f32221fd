"""The HTTP protocol of the API: what is no HTTP at all gets a problem, as every other error."""

from shared.http_protocol import Utf8TargetProtocol
from shortener.problems import Problem


class ProblemProtocol(Utf8TargetProtocol):
    """Answers for itself only what the parser refuses, such as control characters in a header."""

    def send_400_response(self, msg: str) -> None:
        """Answer with a problem and close the connection."""
        body = bytes(Problem("bad-request", 400, "Bad request", msg).response().body)
        head = (
            "HTTP/1.1 400 Bad Request\r\n"
            "content-type: application/problem+json\r\n"
            f"content-length: {len(body)}\r\n"
            "connection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()
