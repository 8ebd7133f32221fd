"""Where traces go: OpenTelemetry's own variables, with its meanings and its defaults."""

import re
from typing import Annotated, Literal
from urllib.parse import unquote, urlsplit

import msgspec

from shared.settings import Secret

Sampler = Literal[
    "always_on",
    "always_off",
    "traceidratio",
    "parentbased_always_on",
    "parentbased_always_off",
    "parentbased_traceidratio",
]

_TEXT = re.compile(r"[\x21-\x7e]+")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE = re.compile(r"[\x20-\x7e]*")


class OtelSettings(msgspec.Struct, frozen=True):
    """Traces are made and sent only when `OTEL_EXPORTER_OTLP_ENDPOINT` is set."""

    exporter_otlp_endpoint: str = ""
    """Base URL of what receives OTLP over HTTP; spans go to `/v1/traces` below it."""
    exporter_otlp_headers: Secret | None = None
    """Sent along, `name=value` with commas between; values percent-encoded."""
    service_name: str = ""
    """By default the service's own."""
    traces_sampler: Sampler = "parentbased_always_on"
    traces_sampler_arg: Annotated[float, msgspec.Meta(ge=0, le=1)] = 1.0
    """Which share of traces the samplers by ratio take."""
    bsp_schedule_delay: Annotated[int, msgspec.Meta(ge=10, le=60_000)] = 5000
    """Milliseconds between two sends."""
    bsp_max_queue_size: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 2048
    """Spans that wait to be sent; what comes above is dropped and counted."""

    def __post_init__(self) -> None:
        problems = [*_bad_endpoint(self.exporter_otlp_endpoint), *self._bad_headers()]
        if problems:
            raise ValueError(*problems)

    @property
    def traces_url(self) -> str:
        """The address that spans are sent to."""
        return f"{self.exporter_otlp_endpoint.rstrip('/')}/v1/traces"

    def headers(self) -> dict[str, str]:
        """Return the headers to send along; they are secrets."""
        return {name.strip(): unquote(value.strip()) for name, _, value in self._pairs()}

    def _pairs(self) -> list[tuple[str, str, str]]:
        text = self.exporter_otlp_headers.reveal() if self.exporter_otlp_headers else ""
        return [pair.partition("=") for pair in text.split(",") if pair.strip()]

    def _bad_headers(self) -> list[str]:
        if all(equals for _, equals, _ in self._pairs()) and all(
            _HEADER_NAME.fullmatch(name) and _HEADER_VALUE.fullmatch(value)
            for name, value in self.headers().items()
        ):
            return []
        return ["OTEL_EXPORTER_OTLP_HEADERS: expected name=value, with commas between"]


def _bad_endpoint(endpoint: str) -> list[str]:
    if not endpoint:
        return []
    try:
        url = urlsplit(endpoint)
        is_good = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:  # a port that is none
        return [f"OTEL_EXPORTER_OTLP_ENDPOINT: {_EXPECTED}"]
    if "@" in url.netloc:
        return ["OTEL_EXPORTER_OTLP_ENDPOINT: a password belongs in OTEL_EXPORTER_OTLP_HEADERS"]
    if not is_good or "?" in endpoint or "#" in endpoint or not _TEXT.fullmatch(endpoint):
        return [f"OTEL_EXPORTER_OTLP_ENDPOINT: {_EXPECTED}"]
    return []


_EXPECTED = "expected a URL such as http://collector:4318, without query"
