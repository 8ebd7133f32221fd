"""Errors as problem details (RFC 7807): the types, titles and members of Shlink's REST API."""

from collections.abc import Mapping

import msgspec
from starlette.responses import Response

_TYPE = "https://shlink.io/api/error/"
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

    def response(self) -> Response:
        """Make the answer."""
        content = {
            "type": _TYPE + self.kind,
            "title": self.title,
            "detail": self.detail,
            "status": self.status,
            **self.members,
        }
        return Response(
            msgspec.json.encode(content), self.status, self.headers, "application/problem+json"
        )


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


def tag_not_found(name: str) -> Problem:
    """There is no such tag."""
    detail = f'Tag with name "{name}" could not be found'
    return Problem("tag-not-found", 404, "Tag not found", detail, {"tag": name})


def domain_not_found(authority: str) -> Problem:
    """There is no such domain, or the key may not know of it."""
    detail = f'Domain with authority "{authority}" could not be found'
    return Problem("domain-not-found", 404, "Domain not found", detail, {"authority": authority})


def missing_authentication(header: str) -> Problem:
    """No API key was sent."""
    detail = (
        f'Expected one of the following authentication headers, ["{header}"], '
        "but none were provided"
    )
    members = {"expectedHeaders": [header]}
    return Problem("missing-authentication", 401, "Invalid authorization", detail, members)


def invalid_api_key() -> Problem:
    """The API key is unknown, disabled or expired; which of them is nobody's business."""
    detail = "Provided API key does not exist or is invalid."
    return Problem("invalid-api-key", 401, "Invalid API key", detail)


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


def _for_domain(domain: str) -> str:
    return f' for domain "{domain}"' if domain else ""


def _domain_member(domain: str) -> dict[str, object]:
    return {"domain": domain} if domain else {}
