"""Who asks for too many unknown codes gets nothing for a while; others never notice."""

import ipaddress

import pytest
from prometheus_client import CollectorRegistry

from redirector.scan_limit import PERIOD_S, ScanLimit
from shared.link import Outcome
from shared.metrics import RedirectorMetrics
from tests.support.asgi import call
from tests.support.clock import FakeClock
from tests.support.links import a_link
from tests.support.redirect_world import World

SCANNER, OTHER = b"203.0.113.9", b"203.0.113.10"


class Limited:
    """A limit of three a minute, its clock and its metrics."""

    def __init__(
        self, *, per_period: int = 3, exempt: str = "10.0.0.0/8", max_addresses: int = 100
    ) -> None:
        self.clock = FakeClock()
        self.registry = CollectorRegistry()
        self.limit = ScanLimit(
            per_period=per_period,
            exempt=[ipaddress.ip_network(exempt)],
            clock=self.clock,
            metrics=RedirectorMetrics(self.registry),
            max_addresses=max_addresses,
        )

    def note(self, address: bytes, times: int) -> None:
        """Have a visitor ask for so many unknown codes."""
        for _ in range(times):
            self.limit.note_unknown(address)


def test_more_than_the_budget_stops_that_visitor_alone() -> None:
    """Three unknown codes are free, the fourth stops everything for that address."""
    limited = Limited()
    limited.note(SCANNER, 3)
    assert not limited.limit.stopped
    limited.note(SCANNER, 1)
    assert limited.limit.stops(SCANNER)
    assert not limited.limit.stops(OTHER)
    assert limited.registry.get_sample_value("qck_scan_limit_addresses") == 1


def test_it_is_over_after_a_minute() -> None:
    """A stopped visitor is served again when the period is over, and nothing of it is kept."""
    limited = Limited()
    limited.note(SCANNER, 4)
    limited.clock.advance(PERIOD_S + 1)
    assert not limited.limit.stops(SCANNER)
    assert not limited.limit.stopped
    assert limited.registry.get_sample_value("qck_scan_limit_addresses") == 0


def test_the_budget_refills() -> None:
    """One unknown code every twenty seconds is never too many when three a minute are free."""
    limited = Limited()
    for _ in range(30):
        limited.note(SCANNER, 1)
        limited.clock.advance(20)
    assert not limited.limit.stopped


def test_a_customer_of_ipv6_is_one_visitor() -> None:
    """Addresses of one /64 share a budget, those of the next one have their own."""
    limited = Limited()
    for last in range(4):
        limited.note(f"2001:db8:1:2::{last}".encode(), 1)
    assert limited.limit.stops(b"2001:db8:1:2:ffff::1")
    assert not limited.limit.stops(b"2001:db8:1:3::1")


def test_ipv4_that_comes_as_ipv6_is_ipv4() -> None:
    """Visitors whose IPv4 addresses come as IPv6 have a budget each, the one that IPv4 has."""
    limited = Limited()
    limited.note(b"::ffff:" + SCANNER, 4)
    assert limited.limit.stops(SCANNER)
    assert not limited.limit.stops(b"::ffff:" + OTHER)


@pytest.mark.parametrize(
    ("address", "per_period", "exempt"),
    [
        pytest.param(b"10.1.2.3", 3, "10.0.0.0/8", id="exempt"),
        pytest.param(b"::ffff:10.1.2.3", 3, "10.0.0.0/8", id="exempt-ipv4-as-ipv6"),
        pytest.param(b"::1", 3, "::1/128", id="exempt-ipv6"),
        pytest.param(b"", 3, "10.0.0.0/8", id="nobody-told"),
        pytest.param(SCANNER, 0, "10.0.0.0/8", id="no-limit"),
    ],
)
def test_for_whom_it_does_not_count(address: bytes, per_period: int, exempt: str) -> None:
    """Exempt networks, requests without an address, and a limit of 0 stop nobody."""
    limited = Limited(per_period=per_period, exempt=exempt)
    limited.note(address, 100)
    assert not limited.limit.stopped


def test_memory_is_bounded() -> None:
    """The address that was counted longest ago makes room, and is counted as forgotten."""
    limited = Limited(max_addresses=2)
    for last in range(4):
        limited.note(b"203.0.113.%d" % last, 3)
    assert limited.registry.get_sample_value("qck_scan_limit_forgotten_total") == 2
    limited.note(b"203.0.113.0", 3)
    assert not limited.limit.stopped
    for last in range(10, 14):
        limited.note(b"203.0.113.%d" % last, 4)
    assert len(limited.limit.stopped) == 2


@pytest.mark.parametrize(
    ("target", "is_counted"),
    [
        pytest.param("/nope", True, id="unknown-code"),
        pytest.param("/" + "x" * 200, True, id="too-long-for-a-code"),
        pytest.param("/a%20b", True, id="no-code"),
        pytest.param("/wp-admin/setup.php", True, id="path-of-many-parts"),
        pytest.param("//" + "x" * 5_000, True, id="long-path"),
        pytest.param("/", False, id="base-url"),
        pytest.param("/old", False, id="expired"),
        pytest.param("/nope/track", False, id="pixel"),
    ],
)
async def test_what_counts(target: str, is_counted: bool) -> None:
    """Codes and paths where nothing is; not `/`, an expired link, or a pixel, which tells none."""
    world = World({("", "old"): a_link(valid_until_ms=1)})
    headers = {"x-real-ip": SCANNER.decode()}
    for _ in range(4):
        await call(world.redirect, target, headers=headers)
    assert bool(world.scan_limit.stopped) is is_counted


async def test_who_is_led_elsewhere_from_another_path_is_no_scanner() -> None:
    """Old paths of a site that has moved may be asked for as often as their site was."""
    world = World({})
    world.redirects[""] = {"regular_404": "https://e.test{ORIGINAL_PATH}"}
    headers = {"x-real-ip": SCANNER.decode()}
    for _ in range(8):
        assert (await call(world.redirect, "/blog/1", headers=headers)).status == 302
    assert not world.scan_limit.stopped


async def test_a_scanner_gets_neither_unknown_nor_known_codes() -> None:
    """429 for everything, without a lookup and without a click; others are redirected."""
    world = World({("", "abc"): a_link()})
    headers = {"x-real-ip": SCANNER.decode()}
    statuses = [(await call(world.redirect, f"/no{n}", headers=headers)).status for n in range(4)]
    lookups, clicks = world.lookups, len(world.clicks)
    stopped = await call(world.redirect, "/abc", headers=headers)
    assert statuses == [404] * 4
    assert (stopped.status, stopped.headers["retry-after"]) == (429, "60")
    assert (world.lookups, len(world.clicks)) == (lookups, clicks)
    assert world.count(Outcome.SCANNING) == 1
    assert (await call(world.redirect, "/abc", headers={"x-real-ip": "1.2.3.4"})).status == 302
