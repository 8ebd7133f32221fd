"""Files that an import takes for little work, and that are none."""

from collections.abc import AsyncIterator

import pytest

from shortener.link_import.csv_records import read_records
from shortener.link_import.json_items import MAX_VALUES, read_items
from shortener.link_import.peek import is_json
from shortener.link_import.rows import ImportFileError


async def in_chunks(data: bytes, size: int = 65_536) -> AsyncIterator[bytes]:
    """Give a file as it arrives."""
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def test_a_title_of_line_breaks_is_one_record() -> None:
    """A record is as long as its quotes say, and the next one begins behind it."""
    title = "a\n" * 30_000 + '""b""'
    file = f'longUrl,title\nhttps://a.test/,"{title}"\nhttps://b.test/,c\n'.encode()
    records = [each async for each in read_records(in_chunks(file), ["longurl"])]
    assert records == [
        (2, {"longurl": "https://a.test/", "title": title.replace('""', '"')}),
        (30_003, {"longurl": "https://b.test/", "title": "c"}),
    ]


@pytest.mark.parametrize("value", [b"[]", b"{}", b"0"])
async def test_a_file_of_too_many_values_is_refused(value: bytes) -> None:
    """What is small in a file and large in memory is refused before it is decoded."""
    file = b"[" + (value + b",") * MAX_VALUES + value + b"]"
    with pytest.raises(ImportFileError, match="values; split it"):
        await anext(read_items(b"", in_chunks(file), ("links",)))


async def test_white_space_before_a_file_is_not_kept() -> None:
    """A file of nothing else is no JSON, and leaves nothing in memory."""
    assert await is_json(in_chunks(b" \n" * 100_000)) == (b"", False)
    assert await is_json(in_chunks(b"\xef\xbb\xbf" + b" \n" * 100_000 + b"[1]")) == (b"[1]", True)
