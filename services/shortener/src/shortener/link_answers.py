"""Answers that show links, as bytes: made where they can be stored with what they tell of."""

import msgspec
from starlette.responses import Response

from shortener.entity_tags import tag_of_link
from shortener.idempotency import Answer
from shortener.idempotency_header import REPLAYED_HEADERS
from shortener.short_url import ShortUrlPresenter
from shortener.stored_link import StoredLink


def answer_link(presenter: ShortUrlPresenter, link: StoredLink) -> Answer:
    """Make the answer that shows one link."""
    body = msgspec.json.encode(presenter.present(link))
    return Answer(200, body, tag_of_link(link.version, body))


def respond(answer: Answer, *, is_replayed: bool = False) -> Response:
    """Send the answer; `is_replayed` tells the caller that it was given before."""
    headers = dict(REPLAYED_HEADERS) if is_replayed else {}
    if answer.etag:
        headers["ETag"] = answer.etag
    return Response(answer.body, answer.status, headers, "application/json")
