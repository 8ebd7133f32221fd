"""One visit by hand before the many: does this lead where it should?"""

import httpx2

from local_stack.ports import LOOPBACK
from tests.bench.rounds import Target
from tests.bench.site import Site


def check_redirects(target: Target, site: Site) -> None:
    """Visit the most popular link.

    Raises:
        RuntimeError: the answer is no redirect, so there is nothing to measure.
    """
    answer = httpx2.get(
        f"http://{LOOPBACK}:{target.port}/{site.codes[0]}", headers={"Host": site.host}, timeout=10
    )
    if answer.status_code != httpx2.codes.FOUND or "location" not in answer.headers:
        raise RuntimeError(f"{target.name} answers {answer.status_code}: {answer.text[:200]}")
