"""The formats that can be imported from a file."""

from collections.abc import Callable, Mapping

from shortener.link_import.bitly import read_bitly
from shortener.link_import.kutt import read_kutt
from shortener.link_import.plain_csv import read_csv
from shortener.link_import.rows import Chunks, Rows
from shortener.link_import.shlink import read_shlink
from shortener.link_import.yourls import read_yourls

FORMATS: Mapping[str, Callable[[Chunks], Rows]] = {
    "csv": read_csv,
    "yourls": read_yourls,
    "kutt": read_kutt,
    "bitly": read_bitly,
    "shlink": read_shlink,
}
