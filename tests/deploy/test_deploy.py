"""Deploys and rollbacks under 500 visits a second: nobody notices, nothing is lost or doubled.

The tests go on from what the former ones have left, in the order of this file.
"""

import asyncio
import signal

from tests.deploy.conftest import Watched
from tests.deploy.site import Site

EVERY = ("redirector-1", "redirector-2", "shortener", "click-ingest")


async def test_deploy_of_a_changed_release(site: Site, unnoticed: Watched) -> None:
    """The first deploy takes over what `docker compose up` has started."""
    site.checkout.change("0.2.0")
    async with unnoticed("deploy of a changed release"):
        code, said = await asyncio.to_thread(site.run_release, "deploy", "two")
    assert code == 0, said
    assert {site.version(service) for service in EVERY} == {"two"}


async def test_a_second_deploy_changes_nothing(site: Site) -> None:
    """What is in place is left alone."""
    before = {name: each["Id"] for name, each in site.containers().items()}
    code, said = await asyncio.to_thread(site.run_release, "deploy", "two")
    after = {name: each["Id"] for name, each in site.containers().items()}
    assert code == 0, said
    assert after == before


async def test_rollback(site: Site, unnoticed: Watched) -> None:
    """The release before serves again."""
    async with unnoticed("rollback"):
        code, said = await asyncio.to_thread(site.run_release, "rollback")
    assert code == 0, said
    assert {site.version(service) for service in EVERY} == {"dev"}


async def test_a_redirector_that_does_not_become_ready(site: Site, unnoticed: Watched) -> None:
    """It is taken out again by itself, and the deploy says why."""
    with site.checkout.never_ready():
        async with unnoticed("deploy of a redirector that never becomes ready"):
            code, said = await asyncio.to_thread(site.run_release, "deploy", "never-ready")
    assert code == 1
    assert "redirector-1 does not become ready" in said
    assert "release never-ready is not in" in said
    assert {site.version(service) for service in EVERY} == {"dev"}


async def test_a_migration_that_fails(site: Site, unnoticed: Watched) -> None:
    """Nothing is replaced, and what the migration had begun is undone."""
    before = {name: each["Id"] for name, each in site.containers().items()}
    with site.checkout.bad_migration():
        async with unnoticed("deploy with a migration that fails"):
            code, said = await asyncio.to_thread(site.run_release, "deploy", "bad-migration")
    after = {name: each["Id"] for name, each in site.containers().items()}
    assert code == 1
    assert "division by zero" in said
    assert after == before
    assert site.query("SELECT count(*) FROM pg_class WHERE relname = 'half_way'").strip() == "0"


async def test_an_interrupted_deploy(site: Site, unnoticed: Watched) -> None:
    """Interrupted, then killed, it is finished by running it again."""
    site.checkout.change("0.3.0")
    site.checkout.set(LOG_LEVEL="warning")
    async with unnoticed("deploy, interrupted, killed, and run again"):
        first = await asyncio.to_thread(
            site.interrupt_release, "redirector-1: replace", signal.SIGINT, "deploy", "three"
        )
        second = await asyncio.to_thread(
            site.interrupt_release, "redirector-2: replace", signal.SIGKILL, "deploy", "three"
        )
        third, said = await asyncio.to_thread(site.run_release, "deploy", "three")
    assert (first, second, third) == (130, -signal.SIGKILL, 0), said
    assert "the deploy of three was interrupted half-way" in said
    assert {site.version(service) for service in EVERY} == {"three"}


async def test_rollback_brings_settings_back(site: Site) -> None:
    """They are those of the release, whatever `.env` says by now."""
    said = "LOG_LEVEL=warning"
    assert said in site.containers()["redirector-1"]["Config"]["Env"]
    code, output = await asyncio.to_thread(site.run_release, "rollback")
    assert code == 0, output
    assert said not in site.containers()["redirector-1"]["Config"]["Env"]


async def test_wrong_settings_are_found_before_anything_happens(site: Site) -> None:
    """Each service checks its settings with the release's own code; budgets must fit."""
    before = {name: each["Id"] for name, each in site.containers().items()}
    site.checkout.set(REDIRECT_STATUS="200", DATABASE_MAX_CONNECTIONS="50")
    code, said = await asyncio.to_thread(site.run_release, "deploy", "three")
    assert code == 1
    assert "REDIRECT_STATUS" in said
    site.checkout.set(REDIRECT_STATUS="302", DATABASE_MAX_CONNECTIONS="500")
    code, said = await asyncio.to_thread(site.run_release, "deploy", "three")
    assert code == 1
    assert "DATABASE_MAX_CONNECTIONS is 500" in said
    site.checkout.set(DATABASE_MAX_CONNECTIONS="20")
    after = {name: each["Id"] for name, each in site.containers().items()}
    assert after == before
