"""A request's query string, carried on to the long URL."""

from urllib.parse import quote, unquote_to_bytes

# Everything but `#`, quotes, angle brackets, space, controls and bytes above ASCII.
_SAFE_IN_QUERY = "%/?:@!$&'()*+,;=-._~[]|\\^`{}"


def merge_query(location: str, query: bytes) -> str:
    """Merge a request's query string over that of the long URL: on the same name it wins.

    Bytes that may not stand in a URL are percent-encoded; all others are kept as they came.
    """
    if not query:
        return location
    incoming = quote(query, safe=_SAFE_IN_QUERY)
    names = {_name(pair) for pair in incoming.split("&")}
    base, hash_sign, fragment = location.partition("#")
    path, _, own = base.partition("?")
    kept = [pair for pair in own.split("&") if pair and _name(pair) not in names]
    return f"{path}?{'&'.join([*kept, incoming])}{hash_sign}{fragment}"


def has_parameter(query: bytes, name: bytes) -> bool:
    """Tell whether a query string has the parameter, with a value or without."""
    return name in query and any(pair.partition(b"=")[0] == name for pair in query.split(b"&"))


def without_parameter(query: bytes, name: bytes) -> bytes:
    """Return the query string without the parameter."""
    if name not in query:
        return query
    return b"&".join(pair for pair in query.split(b"&") if pair.partition(b"=")[0] != name)


def _name(pair: str) -> bytes:
    return unquote_to_bytes(pair.partition("=")[0].replace("+", " "))
