"""What tags look like: trimmed, lower case, hyphens for spaces, each one once.

Only a tag that was renamed may look otherwise; by its very name it is found nevertheless.
"""

from collections.abc import Collection, Iterable

from msgspec import UnsetType

from shortener.request_fields import Fields

MAX_LENGTH = 255
MAX_TAGS = 100


def read_tags(
    fields: Fields, name: str = "tags", *, renamed: Collection[str] = ()
) -> tuple[str, ...] | UnsetType | None:
    """Read a list of tags in the order given, of which some are `renamed` ones."""
    names = read_tag_names(fields, name)
    if not isinstance(names, tuple):
        return names
    return _checked(
        fields, name, (each if each in renamed else normalize_tag(each) for each in names)
    )


def read_tag_names(fields: Fields, name: str) -> tuple[str, ...] | UnsetType | None:
    """Read a list of names as they are given; too many or too long ones are bad."""
    texts = fields.texts(name)
    if texts is None or isinstance(texts, UnsetType):
        return texts
    return _checked(fields, name, filter(None, texts))


def odd_names(given: object) -> set[str]:
    """Return those of a body's tags that only a renamed tag can be called."""
    texts = given if isinstance(given, list) else [given]
    names = {text.strip() for text in texts if isinstance(text, str) and "\0" not in text}
    return {name for name in names if len(name) <= MAX_LENGTH and normalize_tag(name) != name}


def normalize_tag(text: str) -> str:
    """Return the tag that a trimmed text stands for."""
    return text.lower().replace(" ", "-")


def _checked(fields: Fields, name: str, tags: Iterable[str]) -> tuple[str, ...]:
    distinct = tuple(dict.fromkeys(tags))
    if len(distinct) > MAX_TAGS:
        fields.refuse(name, f"must be at most {MAX_TAGS} tags")
    if any(len(tag) > MAX_LENGTH for tag in distinct):
        fields.refuse(name, f"must be tags of at most {MAX_LENGTH} characters")
    return distinct
