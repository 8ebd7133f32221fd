"""Errors as problem details (RFC 9457): the types, titles and members of Shlink's REST API."""

from collections.abc import Mapping

import msgspec
from starlette.responses import Response

TYPE_PREFIX = "https://shlink.io/api/error/"
_RETRY_AFTER_S = 1


class Problem(Exception):
    """An answer that is an error; `members` are the extension members of its JSON object."""

    def __init__(
        self,
        kind: str,
        status: int,
        title: str,
        detail: str,
        members: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.status = status
        self.title = title
        self.detail = detail
        self.members = members or {}
        self.headers = headers

    def content(self) -> dict[str, object]:
        """Return the JSON object, which also stands for one item's error in a longer answer."""
        return {
            "type": TYPE_PREFIX + self.kind,
            "title": self.title,
            "detail": self.detail,
            "status": self.status,
            **self.members,
        }

    def response(self) -> Response:
        """Make the answer."""
        content = msgspec.json.encode(self.content())
        return Response(content, self.status, self.headers, "application/problem+json")


def invalid_data(reasons: Mapping[str, str]) -> Problem:
    """Some fields are bad: each one by name, in the order of the fields, with its reason."""
    members = {"invalidElements": list(reasons), "reasons": dict(reasons)}
    return Problem("invalid-data", 400, "Invalid data", "Provided data is not valid", members)


def malformed_request_body() -> Problem:
    """The body is no JSON object."""
    detail = "Provided request does not contain a valid JSON body."
    return Problem("malformed-request-body", 400, "Malformed request body", detail)


def payload_too_large(max_bytes: int) -> Problem:
    """The body is longer than any that makes sense."""
    detail = f"The request body is larger than {max_bytes:,} bytes."
    return Problem("payload-too-large", 413, "Payload too large", detail)


def non_unique_slug(slug: str, domain: str) -> Problem:
    """The custom slug belongs to another link; `domain` is '' for the default domain."""
    detail = f'Provided slug "{slug}" is already in use{_for_domain(domain)}.'
    members = {"customSlug": slug, **_domain_member(domain)}
    return Problem("non-unique-slug", 400, "Invalid custom slug", detail, members)


def short_url_not_found(code: str, domain: str) -> Problem:
    """There is no such link; `domain` is '' for the default domain."""
    detail = f'No URL found with short code "{code}"{_for_domain(domain)}'
    members = {"shortCode": code, **_domain_member(domain)}
    return Problem("short-url-not-found", 404, "Short URL not found", detail, members)


def undeletable_short_url(code: str, domain: str, threshold: int) -> Problem:
    """The link has too many visits to be deleted."""
    detail = (
        f'Impossible to delete short URL with short code "{code}"{_for_domain(domain)}, '
        f'since it has more than "{threshold}" visits.'
    )
    members = {"shortCode": code, "threshold": threshold, **_domain_member(domain)}
    return Problem("invalid-short-url-deletion", 422, "Cannot delete short URL", detail, members)


def forbidden_tag_operation(operation: str) -> Problem:
    """The key sees but a part of the short URLs that have the tag."""
    detail = f"You are not allowed to {operation} tags"
    return Problem("forbidden-tag-operation", 403, "Forbidden tag operation", detail)


def tag_not_found(name: str) -> Problem:
    """There is no such tag."""
    detail = f'Tag with name "{name}" could not be found'
    return Problem("tag-not-found", 404, "Tag not found", detail, {"tag": name})


def tag_conflict(old_name: str, new_name: str) -> Problem:
    """The new name is that of another tag."""
    detail = f"You cannot rename tag {old_name} to {new_name}, because it already exists"
    members = {"oldName": old_name, "newName": new_name}
    return Problem("tag-conflict", 409, "Tag conflict", detail, members)


def domain_not_found(authority: str) -> Problem:
    """There is no such domain, or the key may not know of it."""
    detail = f'Domain with authority "{authority}" could not be found'
    return Problem("domain-not-found", 404, "Domain not found", detail, {"authority": authority})


def mercure_not_configured() -> Problem:
    """There is no Mercure hub; clients expect this and go on without."""
    detail = "This Shlink instance is not integrated with a mercure hub."
    return Problem("mercure-not-configured", 501, "Mercure integration not configured", detail)


def missing_authentication(header: str) -> Problem:
    """No API key was sent."""
    detail = (
        f'Expected one of the following authentication headers, ["{header}"], '
        "but none were provided"
    )
    members = {"expectedHeaders": [header]}
    return Problem("missing-authentication", 401, "Invalid authorization", detail, members)


def missing_query_authentication(parameter: str) -> Problem:
    """No API key was sent in the query, where this call has it."""
    detail = f'Expected authentication to be provided in "{parameter}" query param'
    members = {"param": parameter}
    return Problem("missing-authentication", 401, "Invalid authorization", detail, members)


def invalid_api_key() -> Problem:
    """The API key is unknown, disabled or expired; which of them is nobody's business."""
    detail = "Provided API key does not exist or is invalid."
    return Problem("invalid-api-key", 401, "Invalid API key", detail)


def unreadable_import(detail: str) -> Problem:
    """What is to be imported is not what its format says."""
    return Problem("unreadable-import", 400, "Unreadable import", detail)


def forbidden(what: str) -> Problem:
    """The API key is valid, but not for this."""
    return Problem("forbidden", 403, "Forbidden", f"This API key may not {what}.")


def precondition_failed() -> Problem:
    """The link is not as `If-Match` or `If-None-Match` says."""
    detail = "The short URL has been changed, created or deleted since; read it again."
    return Problem("precondition-failed", 412, "Precondition failed", detail)


def idempotency_key_reused(key: str) -> Problem:
    """Another request had that key; neither answer would be right for this one."""
    detail = f'The idempotency key "{key}" was used for another request.'
    members = {"idempotencyKey": key}
    return Problem("idempotency-key-reused", 422, "Idempotency key reused", detail, members)


def too_many_requests(retry_after_s: int, headers: Mapping[str, str]) -> Problem:
    """The API key has used up its share."""
    detail = f"This API key has sent too many requests; try again in {retry_after_s} s."
    headers = {"Retry-After": str(retry_after_s), **headers}
    return Problem("too-many-requests", 429, "Too many requests", detail, headers=headers)


def not_found(path: str) -> Problem:
    """No route has that path."""
    return Problem("not-found", 404, "Not Found", f"There is no {path}.")


def method_not_allowed(path: str, method: str, allowed: str) -> Problem:
    """The path exists, but not for that method."""
    detail = f"{path} does not support {method}; use {allowed}."
    headers = {"Allow": allowed}
    return Problem("method-not-allowed", 405, "Method not allowed", detail, headers=headers)


def internal_server_error() -> Problem:
    """Something broke that nobody foresaw."""
    detail = "An unexpected error occurred; the log has it under this request's id."
    return Problem("internal-server-error", 500, "Internal server error", detail)


def service_unavailable(detail: str) -> Problem:
    """The request cannot be answered at the moment."""
    headers = {"Retry-After": str(_RETRY_AFTER_S)}
    return Problem("service-unavailable", 503, "Service unavailable", detail, headers=headers)


def no_free_code() -> Problem:
    """Every random code that was drawn is taken."""
    return service_unavailable("No free short code was found; ask for a longer one.")


def _for_domain(domain: str) -> str:
    return f' for domain "{domain}"' if domain else ""


def _domain_member(domain: str) -> dict[str, object]:
    return {"domain": domain} if domain else {}
