"""How long the stack takes to come up, and how much memory it holds when nobody comes."""

import time

from local_stack import processes
from tests.bench.bench import Bench
from tests.bench.findings import Bars, Figure, Findings
from tests.bench.memory import pss_bytes, rss_bytes
from tests.bench.site import PARTS, Site, started_site
from tests.bench.start_times import time_starts
from tests.bench.stored import drain
from tests.bench.wrk import Wrk

LINKS = 100_000
CALM_S = 5.0
"""After the last click is stored: the time in which memory is given back, where it is."""

REDIRECTOR_GOAL_MB, ALL_GOAL_MB = 90.0, 900.0
MB = 1_000_000
OTHERS = "shortener, supervisor, epmd"


def run(bench: Bench) -> Findings:
    """Time starts of a small stack, then weigh one that has links and has seen visitors."""
    figures = time_starts(bench)
    links = max(1, round(LINKS * bench.options.scale))
    with started_site(bench.folder / "stack", links, seed=bench.options.seed) as site:
        bench.screen.say(f"visitors for {bench.options.round_s:g} s, then calm")
        wrk = Wrk(bench.folder, site.codes, site.host, bench.options.seed)
        wrk.run(site.stack.public_port, bench.options.round_s)
        drain(site.stack)
        time.sleep(CALM_S)
        redirectors = [rss_bytes(site.stack.pid(name)) / MB for name in PARTS["redirectors"]]
        weights = _weigh(site)
    note = f"Idle, {links:,} links cached, after {bench.options.round_s:g} s of full load."
    return Findings(
        figures=[
            *figures,
            Figure(
                name="memory of a redirector (RSS)",
                value=max(redirectors),
                unit="MB",
                goal=REDIRECTOR_GOAL_MB,
                note=f"The larger of the two. {note}",
            ),
            Figure(
                name="memory of everything (sum of PSS, which counts shared pages once)",
                value=sum(weights.values()),
                unit="MB",
                goal=ALL_GOAL_MB,
                note=note,
            ),
        ],
        bars=[Bars(title="Where the memory is (PSS)", unit="MB", bars={"idle": weights})],
    )


def _weigh(site: Site) -> dict[str, float]:
    """Return the memory of each component in MB, and of all else that belongs to the stack."""
    weights, counted = {}, set()
    for name, pids in site.components().items():
        members = {member for pid in pids for member in processes.tree(pid)}
        weights[name] = sum(map(pss_bytes, members)) / MB
        counted |= members
    everybody = {process.pid for process in processes.remnants(site.stack.home.path)}
    return {**weights, OTHERS: sum(map(pss_bytes, everybody - counted)) / MB}
