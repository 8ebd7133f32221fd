"""The script that installs Debian's packages, with an apt-get that only says what it was asked."""

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "deploy/local/install-packages"

APT_GET = """\
#!/bin/sh
case "$*" in
*update) echo 'E: The repository of somebody else is not signed.'; exit 100 ;;
*) echo 'pmstatus:any:50:half' >&3; cat "$POLICY" "$NO_CLUSTER" ;;
esac
"""


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """Return the root of a machine on which nothing is installed."""
    (tmp_path / "bin").mkdir()
    apt_get = tmp_path / "bin/apt-get"
    apt_get.write_text(APT_GET)
    apt_get.chmod(0o755)
    (tmp_path / "dpkg").mkdir()
    (tmp_path / "install-packages").write_text(
        SCRIPT.read_text()
        .replace("/usr/sbin/policy-rc.d", str(tmp_path / "policy-rc.d"))
        .replace("/etc/postgresql-common", str(tmp_path / "postgresql-common"))
        .replace("/var/lib/dpkg", str(tmp_path / "dpkg"))
    )
    return tmp_path


def install(machine: Path) -> tuple[str, str]:
    """Run the script; return what it printed, and what is in its log."""
    log = machine / "log"
    log.write_text("")
    printed = subprocess.run(
        ["sh", machine / "install-packages", log, "any"],
        env={
            "PATH": f"{machine / 'bin'}:{os.environ['PATH']}",
            "POLICY": str(machine / "policy-rc.d"),
            "NO_CLUSTER": str(files(machine)[1]),
        },
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return printed, log.read_text()


def files(machine: Path) -> tuple[Path, Path]:
    """Return what keeps packages from starting what they bring."""
    no_cluster = machine / "postgresql-common/createcluster.d/qck-local-stack.conf"
    return machine / "policy-rc.d", no_cluster


def test_a_broken_source_of_somebody_else(machine: Path) -> None:
    """Packages of Debian's are installed in spite of it, and the log has what apt-get said."""
    printed, log = install(machine)
    assert printed == "pmstatus:any:50:half\n"
    assert "not signed" in log


def test_nothing_starts_and_nothing_stays(machine: Path) -> None:
    """While packages are installed services may not start; later the machine is as it was."""
    _, log = install(machine)
    assert "\nexit 101\ncreate_main_cluster = false\n" in log
    assert not any(path.exists() for path in files(machine))


def test_what_a_killed_run_has_left(machine: Path) -> None:
    """The next one takes it away, or no package of this machine would ever start anything."""
    policy, no_cluster = files(machine)
    script = machine / "install-packages"
    text = script.read_text()
    script.write_text(text.replace("trap put_back EXIT", ""))
    install(machine)
    assert policy.exists()
    assert no_cluster.exists()
    script.write_text(text)
    install(machine)
    assert not policy.exists()
    assert not no_cluster.exists()


def test_a_policy_of_the_machine_stays(machine: Path) -> None:
    """As images for containers have one."""
    policy, _ = files(machine)
    policy.write_text("#!/bin/sh\nexit 101\n")
    install(machine)
    assert policy.read_text() == "#!/bin/sh\nexit 101\n"
