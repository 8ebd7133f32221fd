"""Traces of a process, where they are asked for: what makes them is imported only then."""

from typing import TYPE_CHECKING

from shared.metrics.traces import TraceMetrics
from shared.trace_settings import OtelSettings

if TYPE_CHECKING:
    from shared.span_export import Tracing


def create_tracing(
    settings: OtelSettings, *, service: str, instance: str, metrics: TraceMetrics
) -> "Tracing | None":
    """Make what traces this process; None without an endpoint, and then nothing is imported here.

    No thread is started and nothing sent before `exporting` is entered.
    """
    if not settings.exporter_otlp_endpoint:
        return None
    from shared.span_export import Tracing

    return Tracing(settings, service=service, instance=instance, metrics=metrics)
