"""Shares of the fleet's budgets of connections."""

import pytest

from shared.pool_budget import ReplicaSettings, database_share, redis_share

FLEETS = [ReplicaSettings(), ReplicaSettings(redirector=4, shortener=3, click_ingest=2)]


@pytest.mark.parametrize("replicas", FLEETS, ids=["default", "larger"])
@pytest.mark.parametrize("budget", [40, 97, 300])
def test_shares_never_exceed_the_budget(replicas: ReplicaSettings, budget: int) -> None:
    """All processes together open no more than the fleet may."""
    for share in (database_share, redis_share):
        opened = [
            count * share(name, budget, replicas) for name, count in replicas.by_service().items()
        ]
        assert sum(opened) <= budget


def test_the_default_budget_comes_out_whole() -> None:
    """Of twenty connections none is left over with the default replicas."""
    replicas = ReplicaSettings()
    shares = {name: database_share(name, 20, replicas) for name in replicas.by_service()}
    assert shares == {"redirector": 4, "shortener": 8, "click-ingest": 4}


def test_a_redirector_has_two_of_each_however_small_the_budget() -> None:
    """Lookups have a connection of their own, and so have links with a limit of visits."""
    many = ReplicaSettings(redirector=50)
    assert database_share("redirector", 4, many) == 2
    assert redis_share("redirector", 3, many) == 2
