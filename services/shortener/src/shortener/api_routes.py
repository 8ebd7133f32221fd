"""The paths of the API: every resource under each version's prefix, with the same meaning."""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from shortener.api_health import ApiHealth
from shortener.audit_entries import AuditEntries
from shortener.authentication import Authentication, Endpoint
from shortener.qr_codes import QrCodes
from shortener.short_url_batch import ShortUrlBatch
from shortener.short_url_import import ShortUrlImport
from shortener.short_url_upsert import ShortUrlUpsert
from shortener.short_urls import ShortUrls

PREFIXES = ("/rest/v1", "/rest/v2", "/rest/v3")
"""Shlink's versions, which have answered alike since its version 4."""

Methods = Mapping[str, Endpoint]


def api_routes(
    *,
    authentication: Authentication,
    short_urls: ShortUrls,
    batch: ShortUrlBatch,
    upsert: ShortUrlUpsert,
    imports: ShortUrlImport,
    qr_codes: QrCodes,
    audit_entries: AuditEntries,
    health: ApiHealth,
) -> list[Route]:
    """Make all routes; the one of an unversioned health is for load balancers."""
    keyed = authentication.required
    resources: dict[str, Methods] = {
        "/short-urls": {
            "GET": keyed(short_urls.list),
            "POST": keyed(short_urls.create),
        },
        "/short-urls/batch": {"POST": keyed(batch.create)},
        "/short-urls/upsert": {"PUT": keyed(upsert.put)},
        "/short-urls/import": {"POST": keyed(imports.create)},
        "/short-urls/{shortCode}": {
            "GET": keyed(short_urls.get),
            "PATCH": keyed(short_urls.edit),
            "DELETE": keyed(short_urls.delete),
        },
        "/short-urls/{shortCode}/qr-code": {"GET": keyed(qr_codes.get)},
        "/audit-log": {"GET": keyed(audit_entries.list)},
        "/health": {"GET": health.get},
    }
    routes = [Route("/rest/health", health.get)]
    for path, methods in resources.items():
        endpoint = _by_method(methods)
        routes += [Route(prefix + path, endpoint, methods=[*methods]) for prefix in PREFIXES]
    return routes


def _by_method(methods: Methods) -> Endpoint:
    """Join a path's methods into one endpoint, so that a wrong one is answered with all."""

    async def endpoint(request: Request) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        return await methods[method](request)

    return endpoint
