"""One figure of a running service, as Prometheus would read it."""

import httpx2
from prometheus_client.parser import text_string_to_metric_families

from local_stack.stack import Stack


async def figure(stack: Stack, program: str, name: str, **labels: str) -> float | None:
    """Return the value of a sample with these labels, None if there is none."""
    async with httpx2.AsyncClient(timeout=10) as http:
        answer = await http.get(f"http://127.0.0.1:{stack.port(program)}/metrics")
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            if sample.name == name and sample.labels == labels:
                return sample.value
    return None
