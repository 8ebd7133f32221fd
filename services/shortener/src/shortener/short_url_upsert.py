"""The resource `/short-urls/upsert`: a short URL by its slug, whether it is there yet or not."""

import msgspec
import structlog
from starlette.requests import Request
from starlette.responses import Response

from shortener.api_keys import ApiKey
from shortener.audit_log import Author
from shortener.checked_bodies import CheckedBodies
from shortener.entity_tags import tag_of_link, versions_of
from shortener.idempotency import Answer
from shortener.idempotency_header import read_once
from shortener.link_answers import respond
from shortener.link_change import Versions
from shortener.link_store import LinkStore
from shortener.link_upsert import Upsert
from shortener.request_body import read_json_object
from shortener.short_url import ShortUrlPresenter

log = structlog.get_logger()


class ShortUrlUpsert:
    """The same body creates or edits, and the answer says which: 201 or 200, and `outcome`."""

    def __init__(
        self,
        *,
        links: LinkStore,
        bodies: CheckedBodies,
        presenter: ShortUrlPresenter,
        idempotency_max_age_s: float,
    ) -> None:
        self._links = links
        self._bodies = bodies
        self._presenter = presenter
        self._idempotency_max_age_s = idempotency_max_age_s

    async def put(self, request: Request, api_key: ApiKey) -> Response:
        """PUT /short-urls/upsert."""
        content = await read_json_object(request)
        age_s = self._idempotency_max_age_s
        once = read_once(request, api_key, "PUT short-urls/upsert", content, age_s)
        author = Author.of_request(api_key)
        if answer := await self._links.find_answer(once):
            return respond(answer, is_replayed=True)
        creation, edit = await self._bodies.upsert(content, api_key.scope)
        done = await self._links.upsert(
            creation, edit, author, self._answer, once, _versions(request)
        )
        if done.result is not None:
            domain, code = done.result.change.link.key
            event = f"link_{done.result.outcome}"
            log.info(event, domain=domain, short_code=code, api_key=api_key.name)
        return respond(done.answer, is_replayed=done.result is None)

    def _answer(self, upsert: Upsert) -> Answer:
        link = upsert.change.link
        content = {"outcome": upsert.outcome, "shortUrl": self._presenter.present(link)}
        body = msgspec.json.encode(content)
        status = 201 if upsert.outcome == "created" else 200
        return Answer(status, body, tag_of_link(link.version, body))


def _versions(request: Request) -> Versions:
    """Read which versions may be edited: `If-None-Match: *` asks for a new link."""
    if request.headers.get("If-None-Match", "").strip() == "*":
        return ()
    return versions_of(request.headers.get("If-Match"))
