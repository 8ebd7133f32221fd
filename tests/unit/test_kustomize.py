"""The renderer: as Kustomize where it knows a thing, and an error where it does not."""

from pathlib import Path
from typing import Any

import pytest

from tests.kubernetes.config_maps import generate, hashed_name
from tests.kubernetes.json_patch import PatchError, apply_patch
from tests.kubernetes.kustomize import KustomizeError, render

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  containers:
    - name: c
      image: a/b
      envFrom:
        - configMapRef: {name: settings}
"""
BASE = """\
resources: [pod.yaml]
configMapGenerator:
  - name: settings
    literals: [A=1, B=2]
"""


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A pod that refers to generated settings."""
    (tmp_path / "base").mkdir()
    (tmp_path / "base/pod.yaml").write_text(POD)
    (tmp_path / "base/kustomization.yaml").write_text(BASE)
    return tmp_path / "base"


def overlay(base: Path, text: str) -> list[dict[str, Any]]:
    """Render an overlay on top of the base."""
    folder = base.parent / "overlay"
    folder.mkdir()
    (folder / "kustomization.yaml").write_text(f"resources: [../base]\n{text}")
    return render(folder)


def test_a_hash_is_the_one_that_kustomize_makes() -> None:
    """Taken from kubectl 1.32, kustomize 5.5, also for what Go escapes."""
    made = generate({"name": "q", "literals": ["A=b"]}, Path())
    assert hashed_name(made) == "q-b9t2424hkf"
    made = generate({"name": "q", "literals": ["A=<b> & ü"]}, Path())
    assert hashed_name(made) == "q-f5bg766g9m"


def test_settings_are_merged_and_references_follow(base: Path) -> None:
    """An overlay's values win, others stay, and the pod refers to the final name."""
    pod, settings = overlay(
        base, "configMapGenerator: [{name: settings, behavior: merge, literals: [B=3]}]"
    )
    assert settings["data"] == {"A": "1", "B": "3"}
    reference = pod["spec"]["containers"][0]["envFrom"][0]["configMapRef"]["name"]
    assert reference == settings["metadata"]["name"]
    assert reference.startswith("settings-")


def test_namespace_labels_and_image_tags_are_set(base: Path) -> None:
    """On every resource, and on images of that very name."""
    pod, settings = overlay(
        base,
        "namespace: n\nlabels: [{pairs: {l: v}}]\nimages: [{name: a/b, newName: r/b, newTag: t}]",
    )
    assert pod["metadata"]["namespace"] == settings["metadata"]["namespace"] == "n"
    assert pod["metadata"]["labels"] == {"l": "v"}
    assert pod["spec"]["containers"][0]["image"] == "r/b:t"


def test_a_patch_changes_its_target(base: Path) -> None:
    """By kind and name."""
    patch = "[{op: replace, path: /spec/containers/0/image, value: other}]"
    pod, _ = overlay(base, f"patches: [{{target: {{kind: Pod, name: p}}, patch: '{patch}'}}]")
    assert pod["spec"]["containers"][0]["image"] == "other"


@pytest.mark.parametrize(
    "text",
    [
        "namePrefix: x-",
        "patches: [{path: p.yaml}]",
        "patches: [{target: {kind: Pod, name: other}, patch: '[]'}]",
        "labels: [{pairs: {}, includeSelectors: true}]",
        "configMapGenerator: [{name: settings}]",
        "configMapGenerator: [{name: other, envs: [other.env]}]",
        "configMapGenerator: [{name: other, files: [missing]}]",
        "configMapGenerator: [{name: none, behavior: merge}]",
        "configMapGenerator: [{name: settings, behavior: replace}]",
        "images: [{name: a/b, digest: d}]",
    ],
)
def test_what_is_not_known_is_an_error(base: Path, text: str) -> None:
    """Nothing is left out in silence."""
    with pytest.raises(KustomizeError, match="kustomization"):
        overlay(base, text)


def test_patches_add_replace_and_remove() -> None:
    """In lists too, at their end, and under names with slashes."""
    document: dict[str, Any] = {"a": [1], "b/c": 2, "d": 3}
    apply_patch(
        document,
        [
            {"op": "add", "path": "/a/-", "value": 2},
            {"op": "replace", "path": "/b~1c", "value": 4},
            {"op": "remove", "path": "/d"},
        ],
    )
    assert document == {"a": [1, 2], "b/c": 4}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "replace", "path": "/x", "value": 1},
        {"op": "remove", "path": "/a/5"},
        {"op": "add", "path": "/x/y", "value": 1},
        {"op": "move", "path": "/a", "from": "/b"},
    ],
    ids=str,
)
def test_a_patch_that_does_not_fit_is_an_error(operation: dict[str, Any]) -> None:
    """A path has to be there."""
    with pytest.raises(PatchError):
        apply_patch({"a": []}, [operation])
