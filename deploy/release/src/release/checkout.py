"""What there is to deploy: this checkout's sources, configuration and settings."""

import hashlib
import re
import subprocess
import tomllib
from collections.abc import Iterable
from pathlib import Path

from release.dotenv import read_setting
from release.errors import ReleaseError
from release.record import COMPOSE_FILE, ENV_FILE, Release

_SOURCES = ("deploy/Dockerfile", "requirements", "shared", "services", "nginx/templates")
"""What images are made of; .dockerignore lets nothing else in."""

_CONFIGURATION = (
    "deploy/postgres", "deploy/redis", "deploy/rabbitmq", "deploy/prometheus", "deploy/grafana",
)  # fmt: skip
"""What containers mount."""

_SECRETS = re.compile(
    r"^([ \t]*(?:export[ \t]+)?(?:(?:POSTGRES|REDIS|RABBITMQ|GRAFANA_ADMIN)_PASSWORD"
    r"|INITIAL_API_KEY|VISITOR_HASH_KEY|DATABASE_URL|DATABASE_READ_URL|REDIS_URL|AMQP_URL"
    r"|OTEL_EXPORTER_OTLP_HEADERS)[ \t]*=).*$",
    re.MULTILINE,
)
"""What `.env` may have for other ways to run qck, and no record of a release."""

_NOT_SOURCE = {"__pycache__", ".mypy_cache", ".ruff_cache"}
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")


def release_of(root: Path, name: str) -> Release:
    """Describe the checkout in `root` as a release; `name` is made of its sources if empty.

    Raises:
        ReleaseError: there is no .env, or the name cannot be a tag.
    """
    if not (root / ENV_FILE).is_file():
        raise ReleaseError(
            "there is no .env with the settings: cp .env.example .env, then look through it"
        )
    revision = _revision(root)
    tag = name or f"{_version(root)}-{_short(revision)}"
    if not TAG.fullmatch(tag):
        raise ReleaseError(f"{tag!r} cannot be a release: letters, digits, '.', '_' and '-' only")
    return Release(tag, tag, revision, _files(root))


def _files(root: Path) -> dict[str, bytes]:
    env = _SECRETS.sub(r"\1", (root / ENV_FILE).read_text())
    overlays = read_setting(env, "COMPOSE_FILE", COMPOSE_FILE).split(":")
    names = {ENV_FILE, COMPOSE_FILE, *overlays}
    found = {}
    for name in sorted(names):
        path = root / name
        if not path.is_file() or not path.resolve().is_relative_to(root.resolve()):
            raise ReleaseError(f"COMPOSE_FILE names {name}, and there is no such file in here")
        found[name] = env.encode() if name == ENV_FILE else path.read_bytes()
    for path in _walk(root, _CONFIGURATION):
        found[path.relative_to(root).as_posix()] = path.read_bytes()
    return found


def _walk(root: Path, names: Iterable[str]) -> list[Path]:
    found: list[Path] = []
    for name in names:
        path = root / name
        found += [path] if path.is_file() else path.rglob("*")
    return sorted(
        p
        for p in found
        if p.is_file()
        and not _NOT_SOURCE & set(p.parts)
        and not any(part.endswith(".egg-info") for part in p.parts)
    )


def _version(root: Path) -> str:
    return str(tomllib.loads((root / "shared/pyproject.toml").read_text())["project"]["version"])


def _revision(root: Path) -> str:
    """Return the commit; with "+" and a digest of the sources if these are not the commit's."""
    commit = _git(root, "rev-parse", "HEAD")
    if commit and _git(root, "status", "--porcelain", "--", *_SOURCES) == "":
        return commit
    digest = hashlib.sha256()
    for path in _walk(root, _SOURCES):
        name = path.relative_to(root).as_posix()
        digest.update(f"{name}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return f"{commit or 'unknown'}+{digest.hexdigest()[:10]}"


def _short(revision: str) -> str:
    commit, _, changed = revision.partition("+")
    return f"{commit[:10]}-{changed}" if changed else commit[:10]


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
