"""A plan as tables for a person, the sizing document's roadmap beside it."""

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table

from capacity.bottlenecks import bottlenecks
from capacity.littles_law import Pool
from capacity.plan import Plan
from capacity.quantities import binary, decimal, number
from capacity.roadmap import Compared, contradictions
from capacity.settings_block import settings_block

Row = Sequence[str]


def print_plan(plan: Plan, stages: Sequence[Compared], console: Console) -> None:
    """Print everything."""
    _print(console, "Load", ("what", "figure"), _load(plan))
    _print(
        console,
        "Processes, at the peak",
        ("component", "processes", "at most", "cores", "memory", "of each: CPU", "memory"),
        _components(plan),
    )
    busy = ("what", "busy at the peak", "share of one", "budget")
    for title, pool in (("PostgreSQL", plan.database), ("Redis", plan.redis)):
        _print(console, f"Connections to {title} (Little's law)", busy, _pool(pool))
    _print(console, "Storage", ("what", "a day", "in all"), _storage(plan))
    _print(
        console,
        "Roadmap of the sizing document, and this plan for the same",
        ("clicks a day", "peak/s", "planned", "DB", "planned", "Redis", "planned", "replicas"),
        [_stage(each) for each in stages],
    )
    _list(console, "What of the document cannot be true at once", contradictions(plan))
    _list(console, "What stands in the way", bottlenecks(plan))
    console.print("[bold]Settings[/]")
    console.print(settings_block(plan), markup=False, end="")


def _load(plan: Plan) -> Iterable[Row]:
    demand = plan.demand
    yield "clicks a day", f"{demand.clicks_per_day:,}"
    yield "average", f"{number(plan.average_per_s)}/s"
    yield f"peak (x {demand.peak_factor:g})", f"{number(plan.peak_per_s)}/s"
    yield f"burst (x {demand.burst_factor:g})", f"{number(plan.burst_per_s)}/s"
    yield (
        f"misses at the peak ({1 - demand.hit_ratio:.1%})",
        f"{number(demand.peak_misses_per_s)}/s",
    )
    yield f"creates at the peak ({demand.new_links:.1%})", f"{number(demand.peak_creates_per_s)}/s"


def _components(plan: Plan) -> Iterable[Row]:
    for name, each in plan.components.items():
        yield (
            name,
            str(each.processes),
            str(each.max_processes),
            f"{each.cores:.2f}",
            decimal(each.memory_bytes),
            f"{each.cpu_request_m} to {each.cpu_limit_m} m",
            f"{binary(each.memory_request_bytes)} to {binary(each.memory_limit_bytes)}",
        )
    yield (
        "all",
        str(sum(each.processes for each in plan.components.values())),
        "",
        f"{sum(each.cores for each in plan.components.values()):.2f}",
        decimal(sum(each.memory_bytes for each in plan.components.values())),
        "",
        "",
    )


def _pool(pool: Pool) -> Iterable[Row]:
    for what, busy in pool.busy.items():
        yield what, number(busy), str(pool.shares.get(what.partition(",")[0], "")), ""
    yield "the whole fleet", "", "", str(pool.budget)


def _storage(plan: Plan) -> Iterable[Row]:
    kept = plan.storage
    hours = f"{plan.demand.outage_hours:g} h"
    yield "links made", f"{kept.links_per_day:,}", ""
    yield "links cached in Redis", "", f"{kept.cached_links:,}: {decimal(kept.redis_bytes)}"
    yield "links on disk", decimal(kept.links_bytes_per_day), ""
    yield "clicks on disk", decimal(kept.clicks_bytes_per_day), ""
    yield "counts on disk", decimal(kept.counts_bytes_per_day), ""
    yield "statistics on disk", decimal(kept.statistics_bytes_per_day), ""
    yield (
        f"PostgreSQL after {kept.planned_days} days, clicks kept for "
        + (f"{plan.demand.retention_days} days" if plan.demand.retention_days else "ever"),
        "",
        decimal(kept.postgres_bytes),
    )
    yield (
        "write-ahead log",
        decimal(kept.wal_bytes_per_day),
        f"{decimal(kept.wal_peak_bytes_per_s)}/s at the peak",
    )
    clicks = f"{kept.outage_clicks:,} clicks"
    yield f"queue, nothing stored for {hours}", "", f"{clicks}: {decimal(kept.queue_bytes)}"
    yield f"spools, RabbitMQ away for {hours}", "", f"{clicks}: {decimal(kept.spool_bytes)}"
    yield (
        "spool of one redirector",
        "",
        f"{binary(plan.spool_max_bytes)} on a volume of {binary(plan.spool_volume_bytes)}",
    )


def _stage(compared: Compared) -> Row:
    document, plan = compared.document, compared.plan
    replicas = plan.replicas
    plus = "+" if document.peak_per_s is None else ""
    return (
        f"{document.clicks_per_day / 1e6:.0f}M{plus}",
        str(document.peak_per_s or "-"),
        number(plan.peak_per_s),
        f"{document.database}{plus}",
        str(plan.database.budget),
        f"{document.redis}{plus}",
        str(plan.redis.budget),
        f"{replicas.redirector} + {replicas.shortener} + {replicas.click_ingest}",
    )


def _list(console: Console, title: str, texts: Sequence[str]) -> None:
    if texts:
        console.print(f"[bold]{title}[/]")
        for text in texts:
            console.print(f"- {text}", markup=False)
        console.print()


def _print(console: Console, title: str, columns: Row, rows: Iterable[Row]) -> None:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for number_, column in enumerate(columns):
        table.add_column(column, justify="left" if number_ == 0 else "right", header_style="dim")
    for row in rows:
        table.add_row(*row)
    console.print(table)
    console.print()
