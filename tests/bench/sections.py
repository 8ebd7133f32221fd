"""The sections of the benchmark by name, in the order in which they run."""

from collections.abc import Mapping

from tests.bench import degraded, footprint, growth, ingest, latency, reads, saturation, sustained
from tests.bench.bench import Section

SECTIONS: Mapping[str, Section] = {
    "saturation": saturation.run,
    "degraded": degraded.run,
    "ingest": ingest.run,
    "footprint": footprint.run,
    "latency": latency.run,
    "growth": growth.run,
    "reads": reads.run,
    "sustained": sustained.run,
}
