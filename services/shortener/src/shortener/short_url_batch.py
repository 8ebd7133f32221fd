"""The resource `/short-urls/batch`: many short URLs at once, with a result for each."""

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec
import structlog
from starlette.requests import Request
from starlette.responses import Response

from shortener.api_keys import ApiKey
from shortener.audit_log import Author
from shortener.checked_bodies import CheckedBodies, CheckedBody
from shortener.idempotency import Answer, Once
from shortener.idempotency_header import read_once
from shortener.link_answers import respond
from shortener.link_batch import BatchResult, plan_batch
from shortener.link_store import LinkStore
from shortener.problems import (
    Problem,
    invalid_data,
    no_free_code,
    non_unique_slug,
    service_unavailable,
)
from shortener.request_body import read_json_object
from shortener.short_url import ShortUrlPresenter
from shortener.short_url_body import ShortUrlCreation
from shortener.transactions import DatabaseUnavailableError

log = structlog.get_logger()

MAX_ITEMS = 1000
MAX_BODY_BYTES = 2 * 1024 * 1024

Result = dict[str, object]
Bodies = Mapping[int, CheckedBody[ShortUrlCreation]]
"""By index."""


class ShortUrlBatch:
    """One transaction for each chunk: what is answered as created is, whatever happens later."""

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

    async def create(self, request: Request, api_key: ApiKey) -> Response:
        """POST /short-urls/batch."""
        content = await read_json_object(request, MAX_BODY_BYTES)
        bodies = dict(enumerate(await self._bodies.creations(_items(content), api_key.scope)))
        age_s = self._idempotency_max_age_s
        once = read_once(request, api_key, "POST short-urls/batch", content, age_s)
        results = {n: _problem(body.malformed) for n, body in bodies.items() if body.malformed}
        is_replayed = await self._create(bodies, results, Author.of_request(api_key), once)
        counts = Counter(result["outcome"] for result in results.values())
        log.info("links_created", api_key=api_key.name, **{str(k): v for k, v in counts.items()})
        answer = {
            "results": [{"index": n, **results[n]} for n in bodies],
            "summary": {name: counts[name] for name in ("created", "found", "problem")},
        }
        return respond(Answer(200, msgspec.json.encode(answer)), is_replayed=is_replayed)

    async def _create(
        self,
        bodies: Bodies,
        results: dict[int, Result],
        author: Author,
        once: Once | None,
    ) -> bool:
        """Add the results; tell whether all of them had been there before.

        Raises:
            DatabaseUnavailableError: nothing was created.
        """
        # By what the bodies say, whatever is refused today: a request that is sent again must be
        # cut into the parts whose answers are kept.
        plan = plan_batch([(n, body.read) for n, body in bodies.items() if not body.malformed])
        is_replayed = bool(plan.chunks)
        for part, chunk in enumerate(plan.chunks):
            try:
                shown, was_done = await self._create_chunk(
                    [bodies[n] for n in chunk],
                    author,
                    once.for_part(part) if once is not None else None,
                )
            except DatabaseUnavailableError as error:
                if part == 0:
                    raise
                problem = _problem(service_unavailable(str(error)))
                results.update((n, problem) for rest in plan.chunks[part:] for n in rest)
                break
            results.update(zip(chunk, shown, strict=True))
            is_replayed = is_replayed and was_done
        for n, twin in plan.same_as.items():
            results[n] = _as_found(results[twin])
        return is_replayed

    async def _create_chunk(
        self, bodies: Sequence[CheckedBody[ShortUrlCreation]], author: Author, once: Once | None
    ) -> tuple[list[Result], bool]:
        """Return the results, and whether they had been there before."""
        creations = [body.read for body in bodies if not body.refused]

        def answer_of(made: Sequence[BatchResult]) -> Answer:
            shown = iter([self._show(*pair) for pair in zip(creations, made, strict=True)])
            results = [_problem(body.refused) if body.refused else next(shown) for body in bodies]
            return Answer(200, msgspec.json.encode(results))

        done = await self._links.create_many(creations, author, answer_of, once)
        return msgspec.json.decode(done.answer.body, type=list[Result]), done.result is None

    def _show(self, creation: ShortUrlCreation, made: BatchResult) -> Result:
        if made.change is not None:
            short_url = self._presenter.present(made.change.link)
            return {"outcome": made.outcome, "shortUrl": short_url}
        if made.outcome == "slug_taken":
            return _problem(non_unique_slug(creation.custom_slug or "", creation.domain))
        return _problem(no_free_code())


def _items(content: dict[str, object]) -> list[dict[str, object]]:
    items = content.get("shortUrls")
    if not isinstance(items, list) or not items:
        raise invalid_data({"shortUrls": "must be a list of objects"})
    if len(items) > MAX_ITEMS:
        raise invalid_data({"shortUrls": f"must be at most {MAX_ITEMS:,} objects"})
    for n, item in enumerate(items):
        if not isinstance(item, dict):
            raise invalid_data({f"shortUrls[{n}]": "must be an object"})
    return items


def _problem(problem: Problem) -> Result:
    return {"outcome": "problem", "problem": problem.content()}


def _as_found(result: Result) -> Result:
    return {**result, "outcome": "found"} if result["outcome"] == "created" else result
