"""What tags look like: trimmed, lower case, hyphens for spaces, each one once."""

from msgspec import UnsetType

from shortener.request_fields import Fields

MAX_LENGTH = 255
MAX_TAGS = 100


def read_tags(fields: Fields, name: str = "tags") -> tuple[str, ...] | UnsetType | None:
    """Read a list of tags in the order given; too many or too long ones are bad."""
    texts = fields.texts(name)
    if texts is None or isinstance(texts, UnsetType):
        return texts
    tags = tuple(dict.fromkeys(normalize_tag(text) for text in texts if text))
    if len(tags) > MAX_TAGS:
        fields.refuse(name, f"must be at most {MAX_TAGS} tags")
    if any(len(tag) > MAX_LENGTH for tag in tags):
        fields.refuse(name, f"must be tags of at most {MAX_LENGTH} characters")
    return tags


def normalize_tag(text: str) -> str:
    """Return the tag that a trimmed text stands for."""
    return text.lower().replace(" ", "-")
