"""The resource `/short-urls/import`: links from elsewhere, told of as they are taken over."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import structlog
from starlette.requests import Request
from starlette.responses import Response

from shared.domain_name import DomainRefusedError, parse_domain
from shared.settings import Secret
from shortener.api_keys import ApiKey
from shortener.audit_log import Author
from shortener.link_import.formats import FORMATS
from shortener.link_import.importer import ImportCounts, ImportStep, LinkImporter
from shortener.link_import.rows import ImportFileError, Rows
from shortener.link_import.shlink_server import shlink_rows
from shortener.named_domain import DEFAULT_NAME
from shortener.problems import (
    Problem,
    forbidden,
    invalid_data,
    service_unavailable,
    unreadable_import,
)
from shortener.request_body import read_json_object
from shortener.request_fields import Fields, given
from shortener.request_file import received_body
from shortener.short_url import ShortUrlPresenter
from shortener.streamed_lines import StreamedLines
from shortener.transactions import DatabaseUnavailableError

log = structlog.get_logger()

MAX_BODY_BYTES = 256 * 1024 * 1024
"""Some two million links; nginx has the same limit."""

SERVER_FORMAT = "shlink-server"


class ShortUrlImport:
    """One import at a time. Each line of the answer tells of links that are stored."""

    def __init__(self, *, importer: LinkImporter, presenter: ShortUrlPresenter) -> None:
        self._importer = importer
        self._presenter = presenter
        self._turn = asyncio.Lock()

    async def create(self, request: Request, api_key: ApiKey) -> Response:
        """POST /short-urls/import."""
        fields = Fields.from_query(request.query_params)
        source = given(fields.choice("format", (*FORMATS, SERVER_FORMAT)), "")
        if not source:
            fields.refuse("format", "is required")
        domain = self._domain(fields)
        fields.raise_if_refused()
        if source == SERVER_FORMAT and not api_key.is_admin:
            raise forbidden("have this server read another one")
        if self._turn.locked():
            raise service_unavailable("Another import is under way.")
        author = Author.of_request(api_key)
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._turn)
            try:
                rows = await _open(request, source, stack)
                steps = self._importer.run(rows, author, domain)
                first = await anext(steps, None)
            except ImportFileError as error:
                raise unreadable_import(str(error)) from None
            return StreamedLines(_lines(first, steps, api_key), stack.pop_all())

    def _domain(self, fields: Fields) -> str | None:
        text = given(fields.text("domain"), "")
        if not text:
            return None
        if text == DEFAULT_NAME:
            return ""
        try:
            return parse_domain(text, self._presenter.public_scheme)
        except DomainRefusedError as error:
            fields.refuse("domain", str(error))
            return None


async def _open(request: Request, source: str, stack: AsyncExitStack) -> Rows:
    if source != SERVER_FORMAT:
        body = await stack.enter_async_context(received_body(request, MAX_BODY_BYTES))
        return FORMATS[source](body)
    fields = Fields(await read_json_object(request))
    values = {name: given(fields.text(name), "") for name in ("baseUrl", "apiKey")}
    missing = {name: "is required" for name, value in values.items() if not value}
    fields.raise_if_refused()
    if missing:
        raise invalid_data(missing)
    return await stack.enter_async_context(
        shlink_rows(values["baseUrl"], Secret(values["apiKey"]))
    )


async def _lines(
    first: ImportStep | None, rest: AsyncIterator[ImportStep], api_key: ApiKey
) -> AsyncIterator[object]:
    """Yield notes and sums; last either `done` or the `error` that ended it, both with sums."""
    counts = ImportCounts()
    try:
        step = first
        while step is not None:
            counts = step.counts
            for note in step.notes:
                yield {"note": note}
            yield {"progress": counts}
            step = await anext(rest, None)
    except (ImportFileError, Problem, DatabaseUnavailableError) as error:
        problem = _problem_of(error)
        log.warning("import_broken_off", api_key=api_key.name, reason=problem.detail)
        yield {"error": problem.content(), "progress": counts}
        return
    log.info("links_imported", api_key=api_key.name, rows=counts.rows, created=counts.created)
    yield {"done": counts}


def _problem_of(error: Exception) -> Problem:
    if isinstance(error, Problem):
        return error
    if isinstance(error, ImportFileError):
        return unreadable_import(str(error))
    return service_unavailable(str(error))
