"""The histogram of the hot path."""

from prometheus_client import CollectorRegistry, Histogram, generate_latest

from shared.plain_histogram import PlainHistogram

VALUES = (0.0005, 0.001, 0.0011, 0.5, 7.0)
BOUNDS = (0.001, 0.01, 1)


def test_it_is_scraped_like_any_other() -> None:
    """Same observations, same text as prometheus-client's own histogram."""
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    plain = PlainHistogram("qck_x_seconds", "What it is", bounds=BOUNDS, registry=ours)
    usual = Histogram("qck_x_seconds", "What it is", buckets=BOUNDS, registry=theirs)
    for value in VALUES:
        plain.observe(value)
        usual.observe(value)
    # Which also has the time of its making.
    expected = [line for line in generate_latest(theirs).splitlines() if b"_created" not in line]
    assert sorted(generate_latest(ours).splitlines()) == sorted(expected)
