"""What the run tells locust's process, as a file: JSON, named by an environment variable."""

from pathlib import Path

import msgspec

PLAN_VARIABLE = "QCK_LOAD_PLAN"

CREATE_SHARE = 0.05
"""Of all requests: new links."""
UNKNOWN_SHARE = 0.02
"""Of all requests: codes that nobody made, each another one."""
BOT_SHARE = 0.1
"""Of the visits."""
NEW_LINK_SHARE = 0.05
"""Of the visits: to links that were made a moment ago."""


class Plan(msgspec.Struct, frozen=True):
    """One run."""

    profile: str
    duration_s: float
    public_url: str
    api_url: str
    api_key: str
    domain: str
    """Of the short URLs, which visitors ask for whatever the address that they are sent to."""
    codes: list[str]
    """The links that exist before it, the most popular one first."""
    tag: str
    """That all links of the run have."""
    results: str
    """File that the answers' figures are written to."""


class Second(msgspec.Struct):
    """What came back within one second of the run."""

    at: int
    requests: int
    failures: int
    redirect_p50_ms: float
    redirect_p95_ms: float


class ClientSide(msgspec.Struct):
    """What visitors and callers saw; times in milliseconds."""

    requests: int
    failed: int
    redirects: int
    """Answered with 302, each one click."""
    redirect_ms: dict[str, float]
    """By percentile: p50, p95, p99, max."""
    create_ms: dict[str, float]
    failures: dict[str, int]
    """How often which went wrong."""
    seconds: list[Second]


def read_plan(path: Path) -> Plan:
    """Read what was written for this process."""
    return msgspec.json.decode(path.read_bytes(), type=Plan)
