"""Every metric of every process: name, labels, buckets. No short code or URL is ever a label.

A service's wiring makes its class once, with a registry of its own; children with labels are
bound there, so that counting on the hot path is one method call. docs/metrics.md is made from
these classes.
"""

from shared.metrics.click_ingest import IngestMetrics
from shared.metrics.instruments import create_registry
from shared.metrics.redirector import RedirectorMetrics
from shared.metrics.shortener import ShortenerMetrics

__all__ = ["IngestMetrics", "RedirectorMetrics", "ShortenerMetrics", "create_registry"]
