"""The command line: a demand as NAME=VALUE, as make has it, with errors in words."""

import argparse
from collections.abc import Iterable

import msgspec

from capacity.demand import Demand

FORMATS = ("table", "json", "env")
FIELDS = {field.name.upper(): field for field in msgspec.structs.fields(Demand)}


def create_parser() -> argparse.ArgumentParser:
    """Make the parser of all three commands."""
    parser = argparse.ArgumentParser(prog="capacity", description="What clicks a day need.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    plan = commands.add_parser("plan", help="from clicks a day to settings")
    plan.add_argument("--format", choices=FORMATS, default="table")
    known = ", ".join(f"{name} ({field.default:g})" for name, field in FIELDS.items())
    plan.add_argument("figures", nargs="*", metavar="NAME=VALUE", help=f"of {known}")
    choose = commands.add_parser("profile", help="put a profile into .env")
    choose.add_argument("name")
    commands.add_parser("profiles", help="make the profiles' files anew")
    return parser


def parse_demand(figures: Iterable[str]) -> Demand:
    """Make a demand of NAME=VALUE; digits may be set apart as in 1_000_000.

    Raises:
        ValueError: with every problem, a line each.
    """
    given: dict[str, object] = {}
    problems = []
    for figure in figures:
        name, _, text = figure.partition("=")
        if name not in FIELDS:
            problems.append(f"{name}: no such figure, only {', '.join(FIELDS)}")
            continue
        try:
            value = msgspec.convert(text.replace("_", ""), FIELDS[name].type, strict=False)
        except msgspec.ValidationError as error:
            # msgspec says that it got a string, which every figure is.
            reason = str(error).partition(", got ")[0]
            problems.append(f"{name}: {reason}, got {text!r}")
        else:
            given[FIELDS[name].name] = value
    if problems:
        raise ValueError("\n".join(problems))
    return msgspec.structs.replace(Demand(), **given)
