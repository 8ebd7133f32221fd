"""docs/asyncapi.json: what it says of clicks is what is sent."""

import json

import jsonschema
import pytest

from local_stack.home import PROJECT_ROOT
from shared import broker
from shared.click_asyncapi import make_document
from shared.click_event import encode_line
from tests.contract.test_wire_formats import CLICK, CLICK_FROM_SOMEWHERE, GOLDEN, ORPHAN
from tests.support.clicks import a_click

DOCUMENT = json.loads((PROJECT_ROOT / "docs/asyncapi.json").read_text())
CLICK_SCHEMA = DOCUMENT["components"]["schemas"]["ClickEvent"]
LINES = [
    *map(encode_line, (CLICK, CLICK_FROM_SOMEWHERE, ORPHAN, a_click())),
    *(path.read_bytes() for path in sorted(GOLDEN.glob("*-v1.ndjson"))),
]


def test_it_is_made_of_the_code() -> None:
    """`make docs` makes the checked-in file."""
    assert json.loads(json.dumps(make_document())) == DOCUMENT


@pytest.mark.parametrize("line", LINES, ids=range(len(LINES)))
def test_clicks_are_as_described(line: bytes) -> None:
    """Old goldens too; and no member is there that is not described."""
    jsonschema.validate(json.loads(line), {**CLICK_SCHEMA, "additionalProperties": False})


def test_all_headers_are_described() -> None:
    """Except for the reason, which only dead letters have."""
    names = {value for name, value in vars(broker).items() if name.startswith("HEADER_")}
    described = DOCUMENT["components"]["messages"]["clicks"]["headers"]["properties"]
    assert names - {broker.HEADER_REASON} == set(described)


def test_where_clicks_are() -> None:
    """The exchange and its kind are those that redirectors declare."""
    channel = DOCUMENT["channels"]["clicks"]
    exchange = channel["bindings"]["amqp"]["exchange"]
    assert (exchange["name"], exchange["type"]) == (broker.CLICKS_EXCHANGE, "topic")
    assert channel["address"] == broker.CLICKS_ROUTING_KEY
