"""What people are told about a stack: where it is, what to try first."""

from local_stack.ports import LOOPBACK
from local_stack.stack import Stack
from local_stack.terminal import Terminal


def say_where(stack: Stack, terminal: Terminal) -> None:
    """Print the addresses, and calls ready to paste."""
    urls = stack.urls
    links = f"{urls.api_url}/rest/v3/short-urls"
    prometheus = ""
    if "prometheus" in stack.programs:
        prometheus = f"\nmetrics  http://{LOOPBACK}:{stack.port('prometheus')}"
    key = f"-H 'X-Api-Key: {urls.api_key}'"
    terminal.say(
        f"""\
public   {urls.public_url}
API      {urls.api_url}
API key  {urls.api_key}{prometheus}

make a link:
  curl -s -X POST {links} {key} \\
    -H 'Content-Type: application/json' -d '{{"longUrl":"https://example.org/"}}'
open the shortUrl in the answer, then see its visits:
  curl -s {links}/SHORTCODE {key}
look into the database:
  make psql
"""
    )
