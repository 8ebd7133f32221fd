"""What people are told about a stack: where it is, what to try first, how each program is."""

import time

from local_stack.errors import StackError
from local_stack.stack import Stack
from local_stack.terminal import Terminal


def say_where(stack: Stack, terminal: Terminal) -> None:
    """Print the addresses, and calls ready to paste."""
    urls = stack.urls
    links = f"{urls.api_url}/rest/v3/short-urls"
    key = f"-H 'X-Api-Key: {urls.api_key}'"
    terminal.say(
        f"""\
public   {urls.public_url}
API      {urls.api_url}
API key  {urls.api_key}

make a link:
  curl -s -X POST {links} {key} \\
    -H 'Content-Type: application/json' -d '{{"longUrl":"https://example.org/"}}'
open the shortUrl in the answer, then see its visits:
  curl -s {links}/SHORTCODE {key}
look into the database:
  make psql
"""
    )


def show_programs(stack: Stack, terminal: Terminal) -> bool:
    """Print a table of the programs; tell whether all of them are well."""
    all_well = True
    rows = []
    for name, state in stack.states().items():
        try:
            ready = stack.probe(name) if state.is_running else "-"
        except (OSError, StackError) as error:
            ready = f"not ready: {error}"
        all_well &= ready in ("ok", "degraded")
        rows.append(
            (
                name,
                state.state.lower(),
                str(state.pid or "-"),
                _duration(time.time() - state.started) if state.pid else "-",
                str(stack.port(name)),
                ready,
            )
        )
    terminal.table(("program", "state", "pid", "up", "port", "ready"), rows)
    return all_well


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(max(0, int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"
