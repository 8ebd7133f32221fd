"""`python -m capacity`: plan, choose a profile, make the profiles anew."""

import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
from rich.console import Console

from capacity.arguments import create_parser, parse_demand
from capacity.bottlenecks import bottlenecks
from capacity.plan import Plan, make_plan
from capacity.profiles import DEMANDS, ProfileError, choose_profile, write_profiles
from capacity.roadmap import compare, contradictions
from capacity.settings_block import servers_text, settings_block
from capacity.table import print_plan

ROOT = Path(__file__).parents[4]
PROFILES = ROOT / "deploy" / "profiles"
OVERLAYS = ROOT / "deploy" / "kubernetes" / "overlays"
WRONG_USE = 2
LOG_WIDTH = 120


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; return the exit status."""
    options = create_parser().parse_args(arguments)
    console = Console(highlight=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = LOG_WIDTH
    try:
        if options.command == "profiles":
            for path in write_profiles(PROFILES, OVERLAYS):
                console.print(f"wrote {path.relative_to(ROOT)}", markup=False)
        elif options.command == "profile":
            _choose(options.name, console)
        else:
            _print(options.format, make_plan(parse_demand(options.figures)), console)
    except (ValueError, ProfileError) as error:
        Console(stderr=True, soft_wrap=True, highlight=False).print(str(error), markup=False)
        return WRONG_USE
    return 0


def _print(format: str, plan: Plan, console: Console) -> None:
    stages = compare(plan.demand)
    if format == "table":
        print_plan(plan, stages, console)
    elif format == "env":
        console.print(settings_block(plan), markup=False, end="")
    else:
        everything = {
            "plan": plan,
            "settings": plan.settings(),
            "roadmap": stages,
            "contradictions": contradictions(plan),
            "bottlenecks": bottlenecks(plan),
        }
        text = msgspec.json.format(msgspec.json.encode(everything)).decode()
        console.print(text, markup=False)


def _choose(name: str, console: Console) -> None:
    settings = choose_profile(name, folder=PROFILES, env_file=ROOT / ".env")
    # What the servers have to allow is in no setting, and without it services may not start.
    console.print(servers_text(make_plan(DEMANDS[name])), markup=False, end="")
    for setting, value in settings.items():
        console.print(f"{setting}={value}", markup=False)
    console.print("in .env; it holds from the next start on. Back: make profile NAME=development")


if __name__ == "__main__":
    sys.exit(main())
