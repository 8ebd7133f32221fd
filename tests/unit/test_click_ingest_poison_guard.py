"""How much poison is too much."""

import pytest

from click_ingest.poison_guard import PoisonGuard, PoisonLimitExceededError


@pytest.fixture
def guard() -> PoisonGuard:
    """A tenth of the last thousand."""
    return PoisonGuard(share_limit=0.1, window_clicks=1000)


def deal_with(guard: PoisonGuard, clicks: int, poison: int) -> None:
    """Let a batch through and count it."""
    guard.admit(clicks, poison)
    guard.count(clicks, poison)


def test_a_single_bad_click_at_the_start_is_let_through(guard: PoisonGuard) -> None:
    """The share is of the whole window, also before that many clicks were seen."""
    deal_with(guard, 1, 1)


@pytest.mark.parametrize(("poison", "is_stopped"), [(100, False), (101, True)])
def test_the_limit_itself_is_allowed(guard: PoisonGuard, poison: int, is_stopped: bool) -> None:
    """Exactly the configured share passes, one click more stops."""
    if not is_stopped:
        guard.admit(1000, poison)
        return
    with pytest.raises(PoisonLimitExceededError, match="101 of the last 1000"):
        guard.admit(1000, poison)


def test_a_flood_of_poison_stops_long_before_the_window_is_full(guard: PoisonGuard) -> None:
    """A worker that starts into nothing but poison sets a hundred aside, not a thousand."""
    for _ in range(10):
        deal_with(guard, 10, 10)
    with pytest.raises(PoisonLimitExceededError):
        guard.admit(10, 10)


def test_a_big_batch_is_judged_by_its_own_share(guard: PoisonGuard) -> None:
    """With more clicks than the window the share is of all of them."""
    guard.admit(5000, 500)
    with pytest.raises(PoisonLimitExceededError):
        guard.admit(5000, 501)


def test_old_poison_is_forgotten(guard: PoisonGuard) -> None:
    """Poison counts as long as it is among the newest clicks."""
    deal_with(guard, 100, 90)
    with pytest.raises(PoisonLimitExceededError):
        guard.admit(100, 20)
    for _ in range(11):
        deal_with(guard, 100, 0)
    deal_with(guard, 100, 20)


def test_a_clean_batch_passes_whatever_came_before(guard: PoisonGuard) -> None:
    """Good clicks are never held up."""
    guard.count(100, 100)
    guard.count(100, 100)
    guard.admit(10, 0)


def test_what_was_refused_is_not_counted(guard: PoisonGuard) -> None:
    """Asking about a batch again gives the same answer."""
    for _ in range(3):
        with pytest.raises(PoisonLimitExceededError):
            guard.admit(200, 200)
    guard.admit(100, 100)


def test_a_limit_of_one_never_stops() -> None:
    """The guard can be switched off."""
    guard = PoisonGuard(share_limit=1, window_clicks=10)
    for _ in range(5):
        deal_with(guard, 100, 100)
