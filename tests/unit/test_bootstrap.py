"""`deploy/local/bootstrap` and the Makefile: .venv, of the Python that people choose."""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Stands for Python: makes a virtual environment as it does, of links, with nothing in it.
PYTHON = """\
#!/bin/sh
case "$*" in
*realpath*) readlink -f "$0" ;;
-V) echo Python 3.13.0 ;;
'-m venv .venv') mkdir -p .venv/bin && ln -s "$(readlink -f "$0")" .venv/bin/python ;;
*local_stack* | *'-m release'*) echo "$0 runs $*"; for word; do echo "word: $word"; done ;;
esac
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a checkout with just what is needed to make .venv."""
    folder = tmp_path / "it's a checkout"
    (folder / "deploy/local").mkdir(parents=True)
    shutil.copytree(ROOT / "requirements", folder / "requirements")
    shutil.copy(ROOT / "Makefile", folder)
    shutil.copy(ROOT / "deploy/local/bootstrap", folder / "deploy/local")
    return folder


def a_python(folder: Path, name: str) -> Path:
    """Write an interpreter."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(PYTHON)
    path.chmod(0o755)
    return path


def environment(python: Path, **more: str) -> Mapping[str, str]:
    """Return one in which `python` is the first python3."""
    return {"PATH": f"{python.parent}:{os.environ['PATH']}", **more}


def make(checkout: Path, *words: str, env: Mapping[str, str]) -> str:
    """Run make in the checkout; return what it printed."""
    return subprocess.run(
        ["make", *words], cwd=checkout, env=env, capture_output=True, text=True, check=True
    ).stdout


@pytest.mark.parametrize("way", ["environment", "command line"])
def test_python_of_choice(checkout: Path, tmp_path: Path, way: str) -> None:
    """PYTHON= is what .venv is made of, by its last name, and what runs is .venv's."""
    usual, chosen = a_python(tmp_path / "bin", "python3"), a_python(tmp_path / "own", "python3.13")
    name = chosen.with_name("python")
    name.symlink_to(chosen.name)
    words = [f"PYTHON={name}"] if way == "command line" else []
    more = {"PYTHON": str(name)} if way == "environment" else {}
    output = make(checkout, "status", *words, env=environment(usual, **more))
    assert f"making .venv with {chosen} (" in output
    assert "\n.venv/bin/python runs -P -m local_stack status\n" in output


def test_a_python_of_choice_that_will_not_do(checkout: Path, tmp_path: Path) -> None:
    """Nobody gets another one than they have asked for."""
    unfit = tmp_path / "python3.10"
    unfit.write_text("#!/bin/sh\nexit 1\n")
    unfit.chmod(0o755)
    env = environment(a_python(tmp_path / "bin", "python3"))
    for choice in (unfit, tmp_path / "absent"):
        with pytest.raises(subprocess.CalledProcessError) as failed:
            make(checkout, "status", f"PYTHON={choice}", env=env)
        assert f"PYTHON={choice} is no Python 3.11 to 3.13\n" in failed.value.stderr
    assert not (checkout / ".venv").exists()


def test_deploying_makes_no_venv(checkout: Path, tmp_path: Path) -> None:
    """A host that only deploys takes the Python of people's choice, else its own."""
    usual, chosen = a_python(tmp_path / "bin", "python3"), a_python(tmp_path / "own", "python3.13")
    env = environment(usual)
    assert f"{usual} runs -m release releases\n" in make(checkout, "releases", env=env)
    output = make(checkout, "releases", f"PYTHON={chosen}", env=env)
    assert f"{chosen} runs -m release releases\n" in output
    assert not (checkout / ".venv").exists()


def test_venv_is_made_anew_by_its_own_python(checkout: Path, tmp_path: Path) -> None:
    """Somebody who has activated a .venv that is no good any more gets a new one all the same."""
    usual = a_python(tmp_path / "bin", "python3")
    make(checkout, "status", env=environment(usual))
    (checkout / ".venv/bin/python3").symlink_to("python")
    (checkout / ".venv/.installed").unlink()
    make(checkout, "status", env=environment(checkout / ".venv/bin/python3"))
    assert (checkout / ".venv/bin/python").resolve() == usual


def test_two_at_once(checkout: Path, tmp_path: Path) -> None:
    """The second waits for the first, whose .venv it would remove, and says so."""
    usual = a_python(tmp_path / "bin", "python3")
    first = os.open(checkout, os.O_RDONLY)
    fcntl.flock(first, fcntl.LOCK_EX)
    with subprocess.Popen(
        [checkout / "deploy/local/bootstrap"],
        env=environment(usual),
        stdout=subprocess.PIPE,
        text=True,
    ) as second:
        assert second.stdout is not None
        assert "waiting for another" in second.stdout.readline()
        assert not (checkout / ".venv").exists()
        os.close(first)
        second.stdout.read()
    assert second.returncode == 0
    assert (checkout / ".venv/.installed").exists()


@pytest.mark.parametrize(
    "words",
    [
        ("api-key", "NAME"),
        ("rotate-api-key", "NAME"),
        ("import", "FILE"),
        ("block", "REASON", "DOMAIN=example.org"),
        ("backup", "TO"),
        ("restore", "FROM"),
    ],
)
def test_what_people_write_arrives(checkout: Path, tmp_path: Path, words: tuple[str, ...]) -> None:
    """A name or a reason with quotes in it is one word, and runs nothing."""
    target, variable, *others = words
    value = 'it\'s "mine" `echo`; #1'
    env = environment(a_python(tmp_path / "bin", "python3"))
    output = make(checkout, target, f"{variable}={value}", *others, env=env)
    assert f"\nword: {value}\n" in output


def test_what_is_missing_is_asked_for(checkout: Path, tmp_path: Path) -> None:
    """With the target's own variable, before anything is done."""
    env = environment(a_python(tmp_path / "bin", "python3"))
    for target in ("api-key", "import", "restore", "block", "unblock", "profile"):
        done = subprocess.run(
            ["make", target], cwd=checkout, env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 2
        assert f"make {target} " in done.stderr
        assert "word:" not in done.stdout
