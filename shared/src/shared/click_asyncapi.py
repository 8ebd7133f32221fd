"""docs/asyncapi.json, the contract of the click events for programs: `make docs`.

Made from the click and from the broker's names: `python -m shared.click_asyncapi FILE`.
"""

import sys
from pathlib import Path
from typing import Any

import msgspec

from shared import broker
from shared.click_event import CONTENT_TYPE, SCHEMA_VERSION, ClickEvent
from shared.json_schemas import schema_components

_COUNT = {"type": "integer", "minimum": 0}
_HEADERS: dict[str, dict[str, Any]] = {
    broker.HEADER_SCHEMA_VERSION: {
        "const": SCHEMA_VERSION,
        "description": "Raised when a reader of the former version could misread.",
    },
    broker.HEADER_SOURCE: {
        "type": "string",
        "format": "uuid",
        "description": "The spool that the clicks come from.",
    },
    broker.HEADER_FIRST_SEQUENCE: {
        **_COUNT,
        "description": "Number of the first click in its source; the rest follow without gaps.",
    },
    broker.HEADER_COUNT: {
        **_COUNT,
        "description": "Number of lines; 0 in a mark, which only carries the next two.",
    },
    broker.HEADER_APPENDED: {
        **_COUNT,
        "description": "How many clicks the source had when the message was sent.",
    },
    broker.HEADER_CONFIRMED: {
        **_COUNT,
        "description": "How many of them the broker had confirmed by then.",
    },
}


def make_document() -> dict[str, Any]:
    """Return the AsyncAPI 3.0 document, ready to be JSON."""
    _, schemas = schema_components([ClickEvent])
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "qck clicks",
            "version": str(SCHEMA_VERSION),
            "description": (
                "Every redirect that was issued, and every request that no link answered. Bind a"
                " queue of your own to the exchange. Delivery is at least once: deduplicate by"
                " `id`. Members may be added: ignore what you do not know."
            ),
        },
        "defaultContentType": CONTENT_TYPE,
        "channels": {
            "clicks": {
                "address": broker.CLICKS_ROUTING_KEY,
                "messages": {"clicks": {"$ref": "#/components/messages/clicks"}},
                "bindings": {
                    "amqp": {
                        "is": "routingKey",
                        "exchange": {
                            "name": broker.CLICKS_EXCHANGE,
                            "type": "topic",
                            "durable": True,
                            "autoDelete": False,
                        },
                    }
                },
            }
        },
        "operations": {
            "publishClicks": {
                "action": "send",
                "channel": {"$ref": "#/channels/clicks"},
                "messages": [{"$ref": "#/channels/clicks/messages/clicks"}],
            }
        },
        "components": {
            "messages": {
                "clicks": {
                    "title": "Clicks",
                    "description": (
                        "The body has one JSON object a line, each line ended by a line feed;"
                        " the payload below is one of them."
                    ),
                    "contentType": CONTENT_TYPE,
                    "headers": {
                        "type": "object",
                        "properties": _HEADERS,
                        "required": list(_HEADERS),
                    },
                    "payload": {"$ref": "#/components/schemas/ClickEvent"},
                }
            },
            "schemas": schemas,
        },
    }


if __name__ == "__main__":
    document = msgspec.json.encode(make_document())
    Path(sys.argv[1]).write_bytes(msgspec.json.format(document, indent=1) + b"\n")
