"""What the redirectors have counted, added up, and percentiles out of buckets."""

from math import inf

import pytest

from tests.bench.redirector_metrics import (
    RedirectorCounts,
    percentile_s,
    read_counts,
    share_within,
)

PAGE = """
qck_redirects_total{outcome="redirect"} 90.0
qck_redirects_total{outcome="unknown"} 10.0
qck_link_cache_lookups_total{outcome="hit"} 95.0
qck_link_cache_lookups_total{outcome="negative"} 4.0
qck_link_cache_lookups_total{outcome="miss"} 1.0
qck_link_lookup_duration_seconds_bucket{le="0.001",store="redis"} 90.0
qck_link_lookup_duration_seconds_bucket{le="0.002",store="redis"} 98.0
qck_link_lookup_duration_seconds_bucket{le="+Inf",store="redis"} 100.0
qck_link_lookup_duration_seconds_bucket{le="0.001",store="postgres"} 1.0
"""


def test_redirectors_are_added_up() -> None:
    """Two of them have twice as much, stores and outcomes apart."""
    counts = read_counts([PAGE, PAGE])
    assert counts.redirects == 180
    assert counts.lookups == {"hit": 190, "negative": 8, "miss": 2}
    assert counts.buckets("redis") == [(0.001, 180), (0.002, 196), (inf, 200)]
    assert counts.buckets("postgres") == [(0.001, 2)]


def test_what_was_before_is_not_counted() -> None:
    """A measurement is the difference of two looks."""
    added = read_counts([PAGE, PAGE]).since(read_counts([PAGE]))
    assert added == read_counts([PAGE])


def test_a_negative_entry_is_a_hit() -> None:
    """Redis knew that there is no such link, and nobody else was asked."""
    assert read_counts([PAGE]).hit_ratio == pytest.approx(0.99)


def test_what_redis_did_not_answer_is_no_hit() -> None:
    """Whether it was asked in vain or given up, PostgreSQL had to answer; of none, none missed."""
    counts = RedirectorCounts(lookups={"hit": 40, "miss": 10, "error": 20, "skipped": 30})
    assert counts.hit_ratio == pytest.approx(0.4)
    assert RedirectorCounts().hit_ratio == 1


def test_percentiles_lie_within_their_bucket() -> None:
    """As Prometheus estimates them."""
    buckets = read_counts([PAGE]).buckets("redis")
    assert share_within(buckets, 0.001) == pytest.approx(0.9)
    assert percentile_s(buckets, 0.45) == pytest.approx(0.0005)
    assert percentile_s(buckets, 0.94) == pytest.approx(0.0015)
    assert percentile_s(buckets, 0.99) == 0.002


def test_nothing_counted_is_no_time() -> None:
    """Neither of them divides by nothing."""
    assert percentile_s([], 0.95) == 0
    assert share_within([], 0.001) == 0
    assert percentile_s([(0.001, 0.0), (inf, 0.0)], 0.95) == 0
