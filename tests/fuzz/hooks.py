"""What the fuzzer is told of this API: values that find something, and what it must not ask for.

Loaded by schemathesis within its own process.
"""

from itertools import count
from typing import Any

import schemathesis
from hypothesis import strategies as st

from shortener.short_url_import import SERVER_FORMAT

CODES = ("fuzz-a", "fuzz-b")
PASSING_CODES = ("fuzz-c", "fuzz-d")
"""Those that requests to delete something may be about, so that the others stay."""
TAGS = ("fuzz", "fuzz/with/slashes")
DOMAIN = "fuzz.test"
"""What is there when the fuzzing begins."""

_KNOWN = {"shortCode": CODES, "tag": TAGS, "domain": (DOMAIN, "DEFAULT")}
_KNOWN_TO_DELETE = {"shortCode": PASSING_CODES}

schemathesis.openapi.format(
    "uri",
    st.one_of(
        st.sampled_from(
            ["https://example.org/", "http://a.test/b?c=d#e", "https://xn--a.test/😀"]
        ),
        st.text(max_size=20).map("https://example.org/{}".format),
        st.text(max_size=20),
    ),
)


@schemathesis.hook
def flatmap_path_parameters(
    context: schemathesis.HookContext, path_parameters: dict[str, Any] | None
) -> st.SearchStrategy[dict[str, Any] | None]:
    """Have every second path lead to something that is there."""
    if not path_parameters:
        return st.just(path_parameters)
    operation = context.operation
    is_deletion = operation is not None and operation.method.upper() == "DELETE"
    values = _KNOWN_TO_DELETE if is_deletion else _KNOWN
    known = {name: st.sampled_from(values[name]) for name in path_parameters}
    return st.one_of(st.just(path_parameters), st.fixed_dictionaries(known))


@schemathesis.hook
def filter_query(context: schemathesis.HookContext, query: dict[str, Any] | None) -> bool:
    """Have no other server asked: who knows which host is named there."""
    return not query or SERVER_FORMAT not in str(query.get("format"))


_calls = count()


@schemathesis.hook
def before_call(
    context: schemathesis.HookContext, case: schemathesis.Case[Any], kwargs: dict[str, Any]
) -> None:
    """Have most requests carried out: conditions and keys of others would keep them from it."""
    if next(_calls) % 4:
        for name in ("Idempotency-Key", "If-Match", "If-None-Match"):
            case.headers.pop(name, None)
