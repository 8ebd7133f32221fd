"""Successful answers: JSON, for which everything that the API shows is a struct."""

import msgspec
from starlette.responses import Response


def json_answer(content: object) -> Response:
    """Answer 200 with this."""
    return Response(msgspec.json.encode(content), media_type="application/json")
