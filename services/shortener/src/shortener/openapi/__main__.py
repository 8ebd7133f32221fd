"""docs/openapi.json, made from the code: `python -m shortener.openapi FILE`, `make docs`."""

import sys
from pathlib import Path

import msgspec

from shortener.openapi.document import make_document

if __name__ == "__main__":
    document = msgspec.json.encode(make_document())
    Path(sys.argv[1]).write_bytes(msgspec.json.format(document, indent=1) + b"\n")
