"""Filling names into configuration files."""

import pytest

from shared.template import render


def test_template_leaves_the_servers_own_names() -> None:
    """Only upper-case names in braces are ours."""
    assert render("${PORT} $host ${host} $PORT", {"PORT": "1"}) == "1 $host ${host} $PORT"


def test_template_with_a_name_that_has_no_value() -> None:
    """A forgotten variable is an error here and not in nginx's log."""
    with pytest.raises(KeyError, match="FORGOTTEN"):
        render("listen ${FORGOTTEN};", {})
