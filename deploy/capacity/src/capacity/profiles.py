"""Profiles: the settings for usual sizes as files, made by the planner, and choosing one of them.

Every profile has the same settings, so choosing one undoes the one before it whole, and choosing
`development` is the way back.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from capacity.demand import Demand
from capacity.kubernetes import overlay_text
from capacity.plan import make_plan
from capacity.settings_block import settings_block

DEMANDS: Mapping[str, Demand] = {
    "development": Demand(clicks_per_day=10_000),
    "1m": Demand(clicks_per_day=1_000_000),
    "2m": Demand(clicks_per_day=2_000_000),
    "5m": Demand(clicks_per_day=5_000_000),
    "10m": Demand(clicks_per_day=10_000_000),
}
"""What each profile is for; 10m is the start of "10M+", where replicas are added as needed."""

_SETTING = re.compile(r"^([A-Z][A-Z0-9_]*)=(.*)$", re.MULTILINE)


class ProfileError(Exception):
    """A profile cannot be chosen; the message says why."""


def profile_text(name: str) -> str:
    """Return what is in the file of a profile."""
    return (
        f"# Profile {name}: make profile NAME={name} puts it into .env, make profiles makes it"
        f" anew.\n#\n{settings_block(make_plan(DEMANDS[name]))}"
    )


def write_profiles(folder: Path, overlays: Path) -> list[Path]:
    """Make anew the file of every profile, and the overlays of those for several hosts."""
    files = {folder / f"{name}.env": profile_text(name) for name in DEMANDS}
    files |= {
        overlays / name / "kustomization.yaml": overlay_text(name, make_plan(demand))
        for name, demand in DEMANDS.items()
        if demand.is_spread
    }
    for path, text in files.items():
        path.write_text(text)
    return list(files)


def choose_profile(name: str, *, folder: Path, env_file: Path) -> dict[str, str]:
    """Put a profile's settings into `env_file`, all else left as it is; return them.

    Raises:
        ProfileError: there is no such profile, or no `env_file`.
    """
    path = folder / f"{name}.env"
    known = ", ".join(sorted(each.stem for each in folder.glob("*.env")))
    if not re.fullmatch(r"[a-z0-9-]+", name) or not path.exists():
        raise ProfileError(f"there is no profile {name!r}, only {known}")
    if not env_file.exists():
        raise ProfileError(f"{env_file} is missing: make env makes it")
    settings = dict(_SETTING.findall(path.read_text()))
    text = env_file.read_text()
    for setting, value in settings.items():
        text = _with_setting(text, setting, value)
    # In one step, so that nobody starts with half of it; it keeps its owner's eyes only.
    draft = env_file.with_name(f"{env_file.name}.draft")
    draft.touch(mode=0o600)
    draft.write_text(text)
    draft.chmod(env_file.stat().st_mode & 0o777)
    draft.replace(env_file)
    return settings


def _with_setting(text: str, name: str, value: str) -> str:
    """Set a variable where it stands, where it is commented out, or else at the end."""
    line = f"{name}={value}"
    for pattern in (rf"^(?:export )?{name}=.*$", rf"^# ?{name}=.*$"):
        if re.search(pattern, text, re.MULTILINE):
            return re.sub(pattern, line, text, flags=re.MULTILINE)
    return f"{text.rstrip()}\n{line}\n"
