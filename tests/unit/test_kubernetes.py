"""deploy/kubernetes, rendered: the planner's figures, what services need, what is closed."""

from functools import cache
from typing import Any

import msgspec
import pytest

import click_ingest.settings
import redirector.settings
import shortener.settings
from capacity.kubernetes import overlay_text
from capacity.plan import make_plan
from capacity.profiles import DEMANDS
from capacity.quantities import GIB, MIB
from shared.settings import load, variables
from tests.kubernetes.__main__ import OVERLAYS
from tests.kubernetes.kustomize import render
from tests.kubernetes.schemas import NEWEST, problems

NAMES = sorted(name for name, demand in DEMANDS.items() if demand.is_spread)
WORKLOADS = ("nginx", "redirector", "shortener", "click-ingest")
SETTINGS: dict[str, type[msgspec.Struct]] = {
    "redirector": redirector.settings.Settings,
    "shortener": shortener.settings.Settings,
    "click-ingest": click_ingest.settings.Settings,
}
SECRETS = {
    "DATABASE_URL": "postgresql://u:p@db/qck",
    "DATABASE_READ_URL": "postgresql://u:p@replica/qck",
    "REDIS_URL": "redis://:p@cache/0",
    "AMQP_URL": "amqp://u:p@broker/",
}
"""What of the Secret `qck` has a form; all else in it is any text."""


@cache
def rendered(overlay: str) -> dict[tuple[str, str], dict[str, Any]]:
    """Return all resources of an overlay by kind and name, generated ones without their hash."""
    return {(each["kind"], _plain(each)): each for each in render(OVERLAYS / overlay)}


def _plain(resource: dict[str, Any]) -> str:
    name: str = resource["metadata"]["name"]
    return name.rpartition("-")[0] if resource["kind"] == "ConfigMap" else name


def workload(overlay: str, name: str) -> dict[str, Any]:
    """Return a Deployment, StatefulSet or Job by its name."""
    resources = rendered(overlay)
    kinds = ("Deployment", "StatefulSet", "Job")
    (kind,) = (kind for kind in kinds if (kind, name) in resources)
    return resources[kind, name]


def pod(overlay: str, name: str) -> dict[str, Any]:
    """Return what its pods are."""
    spec: dict[str, Any] = workload(overlay, name)["spec"]["template"]["spec"]
    return spec


def test_there_is_an_overlay_for_each_profile_of_several_hosts() -> None:
    """And no other."""
    assert sorted(path.name for path in OVERLAYS.iterdir()) == NAMES == ["10m", "5m"]


@pytest.mark.parametrize("overlay", NAMES)
def test_an_overlay_is_what_the_planner_says(overlay: str) -> None:
    """`make profiles` makes it anew after a change of the planner."""
    text = (OVERLAYS / overlay / "kustomization.yaml").read_text()
    assert text == overlay_text(overlay, make_plan(DEMANDS[overlay]))


@pytest.mark.parametrize("overlay", NAMES)
def test_figures_arrive_where_kubernetes_reads_them(overlay: str) -> None:
    """Replicas, resources, volumes and budgets of the rendered manifests are the plan's."""
    plan = make_plan(DEMANDS[overlay])
    for name in WORKLOADS:
        each = plan.components[name]
        assert pod(overlay, name)["containers"][0]["resources"] == {
            "requests": {
                "cpu": f"{each.cpu_request_m}m",
                "memory": f"{each.memory_request_bytes // MIB}Mi",
            },
            "limits": {
                "cpu": f"{each.cpu_limit_m}m",
                "memory": f"{each.memory_limit_bytes // MIB}Mi",
            },
        }
        if name != "nginx":
            scaler = rendered(overlay)["HorizontalPodAutoscaler", name]["spec"]
            assert (scaler["minReplicas"], scaler["maxReplicas"]) == (
                each.processes,
                each.max_processes,
            )
    (claim,) = workload(overlay, "redirector")["spec"]["volumeClaimTemplates"]
    asked = claim["spec"]["resources"]["requests"]["storage"]
    assert asked == f"{plan.spool_volume_bytes // GIB}Gi"
    assert plan.settings().items() <= rendered(overlay)["ConfigMap", "qck"]["data"].items()


@pytest.mark.parametrize("overlay", NAMES)
def test_the_autoscaler_never_exceeds_what_budgets_are_for(overlay: str) -> None:
    """Not even while replicas are replaced: none comes up beside the one that it replaces."""
    settings = rendered(overlay)["ConfigMap", "qck"]["data"]
    for name in SETTINGS:
        scaler = rendered(overlay)["HorizontalPodAutoscaler", name]["spec"]
        declared = settings[f"REPLICAS_{name.upper().replace('-', '_')}"]
        assert scaler["maxReplicas"] == int(declared)
        if name != "redirector":
            strategy = workload(overlay, name)["spec"]["strategy"]["rollingUpdate"]
            assert strategy["maxSurge"] == 0


@pytest.mark.parametrize("overlay", NAMES)
@pytest.mark.parametrize("service", SETTINGS)
def test_a_service_is_given_what_it_reads(overlay: str, service: str) -> None:
    """Every setting without a default comes from somewhere, and its settings load."""
    container = pod(overlay, service)["containers"][0]
    given = dict(rendered(overlay)["ConfigMap", "qck"]["data"])
    known = {name for each in SETTINGS.values() for name in variables(each)}
    assert set(given) <= known
    for entry in container["env"]:
        assert entry["name"] in variables(SETTINGS[service]), entry
        source = entry.get("valueFrom", {}).get("secretKeyRef")
        assert source is None or source["key"] == entry["name"]
        given[entry["name"]] = entry.get("value") or SECRETS.get(
            entry["name"], "a-value-of-these-tests"
        )
    load(SETTINGS[service], given)


@pytest.mark.parametrize("name", [*WORKLOADS, "migrate"])
def test_pods_have_no_rights(name: str) -> None:
    """Nobody's user, a root file system that is read only, no capability, no token, no secret."""
    spec = pod("5m", name)
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] > 0
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in spec["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert set(container["resources"]) == {"requests", "limits"}


@pytest.mark.parametrize("service", SETTINGS)
def test_probes_ask_what_they_are_for(service: str) -> None:
    """Alive is what touches nothing; ready is what can do its work."""
    (container,) = pod("5m", service)["containers"]
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"


@pytest.mark.parametrize("name", WORKLOADS)
def test_one_at_a_time_may_be_disrupted(name: str) -> None:
    """Each has a budget that selects its pods."""
    budget = rendered("5m")["PodDisruptionBudget", name]["spec"]
    labels = workload("5m", name)["spec"]["template"]["metadata"]["labels"]
    assert budget["maxUnavailable"] == 1
    assert budget["selector"]["matchLabels"].items() <= labels.items()


def test_a_redirector_keeps_its_spool() -> None:
    """Each replica has a volume of its own, which outlives it, where it looks for its spool."""
    spec = workload("5m", "redirector")["spec"]
    (claim,) = spec["volumeClaimTemplates"]
    (container,) = spec["template"]["spec"]["containers"]
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    spool = {entry["name"]: entry.get("value") for entry in container["env"]}["SPOOL_DIR"]
    assert mounts[claim["metadata"]["name"]] == spool
    assert spec["persistentVolumeClaimRetentionPolicy"] == {
        "whenDeleted": "Retain",
        "whenScaled": "Retain",
    }


def test_visitors_have_no_way_to_the_api() -> None:
    """Public ingress leads to the public port alone, and its controller reaches no other."""
    resources = rendered("5m")
    ports = {
        name: resources["Service", name]["spec"]["ports"][0]["targetPort"]
        for name in ("public", "internal")
    }
    assert ports == {"public": "public", "internal": "internal"}
    for name in ports:
        spec = resources["Ingress", name]["spec"]
        assert spec["ingressClassName"] == name
        backends = [
            path["backend"]["service"]["name"]
            for rule in spec["rules"]
            for path in rule["http"]["paths"]
        ]
        assert backends == [name]
    rules = resources["NetworkPolicy", "nginx"]["spec"]["ingress"]
    reached = {
        rule["from"][0]["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]: [
            port["port"] for port in rule["ports"]
        ]
        for rule in rules
    }
    assert reached == {"ingress-public": [8080], "ingress-internal": [8081]}


def test_what_is_not_named_is_closed() -> None:
    """A policy over all pods opens nothing, in either direction."""
    spec = rendered("5m")["NetworkPolicy", "nothing-else"]["spec"]
    assert spec == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_a_wrong_field_is_found() -> None:
    """The schemas are strict: what Kubernetes would ignore is a problem here."""
    resource = rendered("5m")["Service", "shortener"]
    assert problems([resource], NEWEST) == []
    wrong = {**resource, "spec": {**resource["spec"], "port": 80}}
    (problem,) = problems([wrong], NEWEST)
    assert "Service shortener" in problem
