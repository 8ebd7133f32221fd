"""Text that is looked for within other text: a search term as a pattern for ILIKE."""

ESCAPE = "\\"


def containing(term: str) -> str:
    """Return the pattern of what contains the term; its wildcards stand for themselves."""
    escaped = (
        term.replace(ESCAPE, ESCAPE * 2).replace("%", f"{ESCAPE}%").replace("_", f"{ESCAPE}_")
    )
    return f"%{escaped}%"
