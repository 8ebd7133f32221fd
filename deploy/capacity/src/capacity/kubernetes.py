"""A plan as a Kustomize overlay: budgets, replicas, resources, volumes (deploy/kubernetes)."""

from collections.abc import Iterator

from capacity.plan import Plan
from capacity.quantities import GIB, MIB
from capacity.resources import SERVICES, Component

_KINDS = {
    "nginx": "Deployment",
    "redirector": "StatefulSet",
    "shortener": "Deployment",
    "click-ingest": "Deployment",
}
_HEAD = """\
# {name}: {clicks:,} clicks a day. Made by `make profiles` from the planner, and not to be edited:
# hosts, images and all else of your own go into an overlay on top (docs/kubernetes.md).
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: qck
resources:
  - ../../base
configMapGenerator:
  - name: qck
    behavior: merge
    literals:
"""


def overlay_text(name: str, plan: Plan) -> str:
    """Return the kustomization.yaml of a profile."""
    settings = "".join(f"      - {key}={value}\n" for key, value in plan.settings().items())
    head = _HEAD.format(name=name, clicks=plan.demand.clicks_per_day)
    return f"{head}{settings}patches:\n{''.join(_patches(plan))}"


def _patches(plan: Plan) -> Iterator[str]:
    for name, kind in _KINDS.items():
        each = plan.components[name]
        patch = _resources(each)
        if name == "nginx":
            patch += _replace("/spec/replicas", str(each.processes))
        if name == "redirector":
            claim = "/spec/volumeClaimTemplates/0/spec/resources/requests/storage"
            patch += _replace(claim, f"{plan.spool_volume_bytes // GIB}Gi")
        yield _target(kind, name) + patch
    for name in SERVICES:
        each = plan.components[name]
        patch = _replace("/spec/minReplicas", str(each.processes))
        patch += _replace("/spec/maxReplicas", str(each.max_processes))
        yield _target("HorizontalPodAutoscaler", name) + patch


def _target(kind: str, name: str) -> str:
    return f"  - target: {{kind: {kind}, name: {name}}}\n    patch: |-\n"


def _resources(each: Component) -> str:
    requests = _quantities(each.cpu_request_m, each.memory_request_bytes)
    limits = _quantities(each.cpu_limit_m, each.memory_limit_bytes)
    return _replace(
        "/spec/template/spec/containers/0/resources",
        f"{{requests: {requests}, limits: {limits}}}",
    )


def _quantities(cpu_m: int, memory_bytes: int) -> str:
    return f"{{cpu: {cpu_m}m, memory: {memory_bytes // MIB}Mi}}"


def _replace(path: str, value: str) -> str:
    return f"      - op: replace\n        path: {path}\n        value: {value}\n"
