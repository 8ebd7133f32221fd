"""Logging set-up: JSON lines for machines, readable lines on a terminal.

Log events are past facts (`click_batch_written`) and values are keys. The hot path logs nothing.
"""

import logging
import sys
from typing import Any

import msgspec
import structlog

from shared.settings import LogSettings


def configure_logging(settings: LogSettings, *, service: str, instance: str) -> None:
    """Send structlog and the standard library's records to stderr in one format.

    Standard-library records below warning are dropped: libraries are chatty on reconnects.
    """
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    readable = settings.format == "console" or (settings.format == "auto" and sys.stderr.isatty())
    shared_processors: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    if readable:
        # Plain, because the pretty traceback shows local variables, and with them passwords.
        plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        renderer: list[structlog.typing.Processor] = [plain]
    else:
        renderer = [
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=_to_json),
        ]
    structlog.configure(
        processors=[*shared_processors, *renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service, instance=instance)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared_processors],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(level, logging.WARNING))
    # They log each failed attempt as an error; the owner of the connection says it once.
    for name in ("aiormq", "aio_pika"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    # It warns before each further attempt; a batch that was not sent at all is an error.
    logging.getLogger("opentelemetry.exporter").setLevel(logging.ERROR)


def _to_json(event: Any, **_: Any) -> str:
    return msgspec.json.encode(event, enc_hook=repr).decode()
