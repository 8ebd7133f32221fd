"""The paths of the API: every resource under each version's prefix, with the same meaning."""

import re
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from shortener.api_description import ApiDescription
from shortener.api_health import ApiHealth
from shortener.audit_entries import AuditEntries
from shortener.authentication import Authentication, Endpoint
from shortener.domains import Domains
from shortener.exports import Exports
from shortener.mercure import mercure_info
from shortener.openapi.document import check_described
from shortener.qr_codes import QrCodes
from shortener.redirect_rules import RedirectRules
from shortener.short_url_batch import ShortUrlBatch
from shortener.short_url_import import ShortUrlImport
from shortener.short_url_upsert import ShortUrlUpsert
from shortener.short_urls import ShortUrls
from shortener.tags import Tags
from shortener.visit_statistics import VisitStatistics
from shortener.visits import Visits

PREFIXES = ("/rest/v1", "/rest/v2", "/rest/v3")
"""Shlink's versions, which have answered alike since its version 4."""

Methods = Mapping[str, Endpoint]


def api_routes(
    *,
    authentication: Authentication,
    short_urls: ShortUrls,
    redirect_rules: RedirectRules,
    tags: Tags,
    domains: Domains,
    visits: Visits,
    statistics: VisitStatistics,
    exports: Exports,
    batch: ShortUrlBatch,
    upsert: ShortUrlUpsert,
    imports: ShortUrlImport,
    qr_codes: QrCodes,
    audit_entries: AuditEntries,
    health: ApiHealth,
    description: ApiDescription,
) -> list[Route]:
    """Make all routes; the one of an unversioned health is for load balancers."""
    keyed = authentication.required
    resources: dict[str, Methods] = {
        "/short-urls": {
            "GET": keyed(short_urls.list),
            "POST": keyed(short_urls.create),
        },
        "/short-urls/shorten": {"GET": authentication.required_in_query(short_urls.shorten)},
        # Before the short URL of any code, which this could be.
        "/short-urls/export": {"GET": keyed(exports.short_urls)},
        "/short-urls/batch": {"POST": keyed(batch.create)},
        "/short-urls/upsert": {"PUT": keyed(upsert.put)},
        "/short-urls/import": {"POST": keyed(imports.create)},
        "/short-urls/{shortCode}": {
            "GET": keyed(short_urls.get),
            "PATCH": keyed(short_urls.edit),
            "DELETE": keyed(short_urls.delete),
        },
        "/short-urls/{shortCode}/redirect-rules": {
            "GET": keyed(redirect_rules.get),
            "POST": keyed(redirect_rules.set),
            "PATCH": keyed(redirect_rules.set),
        },
        "/tags": {
            "GET": keyed(tags.list),
            "PUT": keyed(tags.rename),
            "DELETE": keyed(tags.delete),
        },
        "/tags/stats": {"GET": keyed(tags.stats)},
        "/domains": {"GET": keyed(domains.list)},
        "/domains/redirects": {"PATCH": keyed(domains.change_redirects)},
        "/mercure-info": {"GET": keyed(mercure_info)},
        "/short-urls/{shortCode}/visits": {
            "GET": keyed(visits.of_short_url),
            "DELETE": keyed(visits.delete_of_short_url),
        },
        "/short-urls/{shortCode}/visits/export": {"GET": keyed(exports.of_short_url)},
        "/short-urls/{shortCode}/statistics": {"GET": keyed(statistics.of_short_url)},
        "/tags/{tag:path}/visits": {"GET": keyed(visits.of_tag)},
        "/tags/{tag:path}/visits/export": {"GET": keyed(exports.of_tag)},
        "/tags/{tag:path}/statistics": {"GET": keyed(statistics.of_tag)},
        "/domains/{domain}/visits": {"GET": keyed(visits.of_domain)},
        "/domains/{domain}/visits/export": {"GET": keyed(exports.of_domain)},
        "/domains/{domain}/statistics": {"GET": keyed(statistics.of_domain)},
        "/visits": {"GET": keyed(visits.overview)},
        "/visits/statistics": {"GET": keyed(statistics.everything)},
        "/visits/orphan": {"GET": keyed(visits.orphan), "DELETE": keyed(visits.delete_orphan)},
        "/visits/orphan/export": {"GET": keyed(exports.orphan)},
        "/visits/orphan/statistics": {"GET": keyed(statistics.orphan)},
        "/visits/non-orphan": {"GET": keyed(visits.non_orphan)},
        "/visits/non-orphan/export": {"GET": keyed(exports.non_orphan)},
        "/visits/non-orphan/statistics": {"GET": keyed(statistics.non_orphan)},
        "/short-urls/{shortCode}/qr-code": {"GET": keyed(qr_codes.get)},
        "/audit-log": {"GET": keyed(audit_entries.list)},
        "/health": {"GET": health.get},
        "/openapi.json": {"GET": description.document},
        "/docs": {"GET": description.page},
    }
    check_described(
        {(method, _described(path)) for path in resources for method in resources[path]}
    )
    routes = [Route("/rest/health", health.get)]
    for path, methods in resources.items():
        endpoint = _by_method(methods)
        routes += [Route(prefix + path, endpoint, methods=[*methods]) for prefix in PREFIXES]
    return routes


def _described(path: str) -> str:
    """Return a path as OpenAPI has it, which knows no types of parameters."""
    return re.sub(r":\w+}", "}", path)


def _by_method(methods: Methods) -> Endpoint:
    """Join a path's methods into one endpoint, so that a wrong one is answered with all."""

    async def endpoint(request: Request) -> Response:
        if request.method != "HEAD":
            return await methods[request.method](request)
        return _without_body(await methods["GET"](request))

    return endpoint


def _without_body(answer: Response) -> Response:
    """Return what HEAD is answered for GET's answer; the server drops a body, unless it streams.

    What streams would be read to its end for nothing, as fast as the database can, since nobody
    takes it. It has not begun, so it holds nothing, and has no length that could be told.
    """
    if not isinstance(answer, StreamingResponse):
        return answer
    bare = Response(status_code=answer.status_code, background=answer.background)
    bare.raw_headers = answer.raw_headers
    return bare
