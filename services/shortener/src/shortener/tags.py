"""The resource `/tags`: names, what is known of each, renaming and deleting."""

import structlog
from starlette.requests import Request
from starlette.responses import Response

from shortener.answers import json_answer
from shortener.api_keys import ApiKey
from shortener.pagination import paginate
from shortener.problems import forbidden_tag_operation, tag_conflict, tag_not_found
from shortener.request_body import read_json_object
from shortener.request_fields import Fields, given
from shortener.short_url import VisitsSummary
from shortener.tag_names import MAX_LENGTH
from shortener.tag_query import TagInfo, read_tag_query
from shortener.tag_store import CountedTag, TagConflictError, TagNotFoundError, TagStore

log = structlog.get_logger()


class Tags:
    """One method for each call."""

    def __init__(self, store: TagStore) -> None:
        self._store = store

    async def list(self, request: Request, api_key: ApiKey) -> Response:
        """GET /tags."""
        query = read_tag_query(Fields.from_query(request.query_params))
        tags, total = await self._store.find_page(query, api_key.scope)
        names = [tag.name for tag in tags]
        page = paginate(query, names, total)
        return json_answer({"tags": page})

    async def stats(self, request: Request, api_key: ApiKey) -> Response:
        """GET /tags/stats."""
        query = read_tag_query(Fields.from_query(request.query_params))
        tags, total = await self._store.find_page(query, api_key.scope)
        infos = [_present(tag) for tag in tags]
        page = paginate(query, infos, total)
        return json_answer({"tags": page})

    async def rename(self, request: Request, api_key: ApiKey) -> Response:
        """PUT /tags; the new name is taken as it is, capitals too."""
        _require_all_links(api_key, "rename")
        fields = Fields(await read_json_object(request))
        old_name, new_name = _name(fields, "oldName"), _name(fields, "newName")
        fields.raise_if_refused()
        try:
            await self._store.rename(old_name, new_name)
        except TagNotFoundError:
            raise tag_not_found(old_name) from None
        except TagConflictError:
            raise tag_conflict(old_name, new_name) from None
        log.info("tag_renamed", old_name=old_name, new_name=new_name, api_key=api_key.name)
        return Response(status_code=204)

    async def delete(self, request: Request, api_key: ApiKey) -> Response:
        """DELETE /tags; names that no tag has are passed over."""
        _require_all_links(api_key, "delete")
        fields = Fields.from_query(request.query_params)
        names = given(fields.texts("tags"), [])
        fields.raise_if_refused()
        await self._store.delete(names)
        log.info("tags_deleted", names=names, api_key=api_key.name)
        return Response(status_code=204)


def _require_all_links(api_key: ApiKey, operation: str) -> None:
    """Refuse a key that does not see all the links whose tags would change."""
    if not api_key.scope.is_everything:
        raise forbidden_tag_operation(operation)


def _name(fields: Fields, field: str) -> str:
    name = given(fields.text(field), "")
    if not name:
        fields.refuse(field, "must not be empty")
    if len(name) > MAX_LENGTH:
        fields.refuse(field, f"must have at most {MAX_LENGTH} characters")
    return name


def _present(tag: CountedTag) -> TagInfo:
    summary = VisitsSummary(
        total=tag.visits, non_bots=tag.non_bot_visits, bots=tag.visits - tag.non_bot_visits
    )
    return TagInfo(tag=tag.name, short_urls_count=tag.links, visits_summary=summary)
