"""The style sheet that reports share, to be put into a page that needs no other file."""

from pathlib import Path

STYLE = Path(__file__).with_name("page.css").read_text()
