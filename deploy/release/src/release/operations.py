"""What an operator does: deploy, roll back, look. Whatever goes wrong puts back what was there."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from release import preparing
from release.adoption import adopt_running
from release.checkout import release_of
from release.compose import Compose, compose_of
from release.docker import Docker
from release.dotenv import read_setting
from release.errors import ReleaseError
from release.history import History, read_history
from release.host import Host
from release.lock import deploying
from release.pruning import forget_old_releases
from release.record import Release
from release.rollout import roll_back, roll_forward
from release.terminal import Report

DEPLOY_FOLDER = "/var/lib/qck"


@dataclass(frozen=True, slots=True)
class _Bringing:
    """How a release is brought in, and what is put back if that fails."""

    action: str
    former: Release | None
    former_secrets: Mapping[str, bytes] = field(repr=False)
    is_forced: bool


@dataclass(frozen=True, slots=True)
class Operations:
    """On one host, from one checkout."""

    docker: Docker
    root: Path
    report: Report

    def deploy(self, name: str = "", *, is_forced: bool = False) -> None:
        """Bring the checkout in as a release; `name` is made of its sources if empty.

        Raises:
            ReleaseError: it is not in; what served before serves again, unless the text says so.
        """
        wanted = release_of(self.root, name)
        host = self._host(wanted)
        self.report.say(f"release {wanted.tag}, of {wanted.revision}")
        preparing.ensure_images(Compose(self.docker, wanted, self.root, host.mounted), self.report)
        with deploying(self.docker, host.image):
            history = read_history(host)
            wanted = _with_own_name(host, wanted)
            if history.pending:
                self.report.say(f"the deploy of {history.pending} was interrupted half-way")
            former = self._former(host, history, wanted)
            secrets, former_secrets = preparing.read_secrets(self.root), host.secrets()
            with compose_of(self.docker, wanted, host.mounted) as compose:
                preparing.check_secrets(compose, host, secrets)
                host.keep(wanted)

                def prepare() -> None:
                    host.place({**wanted.mounted_files, **secrets})
                    preparing.check_settings(compose, self.report)
                    preparing.start_stores(compose, self.report)
                    preparing.check_budgets(compose, self.report)
                    preparing.migrate(compose, self.report)

                bringing = _Bringing("deploy", former, former_secrets, is_forced)
                self._bring_in(compose, host, history, prepare, bringing)
            forget_old_releases(host, history)

    def roll_back(self, name: str = "") -> None:
        """Bring a release back that served before, with its settings: by default the last one.

        Raises:
            ReleaseError: there is none, or it does not serve; the present one then goes on.
        """
        host = self._host(release_of(self.root, "any"))
        with deploying(self.docker, host.image):
            history = read_history(host)
            # A deploy that was interrupted is undone before anything further back is.
            name = name or (history.current if history.pending else history.former)
            if not name:
                raise ReleaseError("no release has served here before the present one")
            wanted = host.release(name)
            if wanted is None:
                raise ReleaseError(
                    f"release {name} is not kept here: make releases lists those that are"
                )
            self.report.say(f"back to release {name}, of {wanted.revision}")
            former = host.release(history.current) if history.current else None
            with compose_of(self.docker, wanted, host.mounted) as compose:
                preparing.require_images(compose, self.report)

                # The schema stays: migrations only add, so the older release works with it.
                def prepare() -> None:
                    host.place(wanted.mounted_files)
                    preparing.check_settings(compose, self.report)

                bringing = _Bringing("rollback", former, {}, is_forced=False)
                self._bring_in(compose, host, history, prepare, bringing)

    def releases(self) -> None:
        """List what has happened, the newest last, and which release serves."""
        history = read_history(self._host(release_of(self.root, "any")))
        for entry in history.entries:
            outcome = entry["outcome"].splitlines()[0]
            self.report.say(f"{entry['at']}  {entry['action']:8}  {entry['release']}: {outcome}")
        self.report.say(f"serving: {history.current or 'no release of make deploy'}")
        if history.pending:
            self.report.say(f"interrupted half-way: {history.pending}")

    def restart_store(self, service: str) -> None:
        """Bring one of the stores to what the serving release says of it; it is away meanwhile.

        Raises:
            ReleaseError: there is no such store, no release, or it does not become ready.
        """
        if service not in preparing.STORES:
            raise ReleaseError(f"S= one of {', '.join(preparing.STORES)}")
        host = self._host(release_of(self.root, "any"))
        with deploying(self.docker, host.image):
            current = host.release(read_history(host).current)
            if current is None:
                raise ReleaseError("no release of make deploy serves here")
            with compose_of(self.docker, current, host.mounted) as compose:
                compose.run("up", "-d", "--no-deps", "--wait", service)
            self.report.say(f"{service} runs as {current.name} says")

    def _bring_in(
        self,
        compose: Compose,
        host: Host,
        history: History,
        prepare: Callable[[], None],
        bringing: "_Bringing",
    ) -> None:
        name, former = compose.release.name, bringing.former
        may_have_replaced = bool(history.pending)
        # Before the first file is another: a rollback of what is interrupted from here on leads to
        # the release that serves, and not to the one before.
        history.begin(name)
        with self._told_if_interrupted(name):
            try:
                prepare()
                may_have_replaced = True
                roll_forward(compose, self.report, is_forced=bringing.is_forced)
            except ReleaseError as error:
                self.report.problem(f"{bringing.action} of {name} failed: {error}")
                outcome = f"failed: {error}"
                if former is None:
                    history.end(name, bringing.action, outcome)
                    raise ReleaseError(
                        f"release {name} does not serve, and there is none to put back"
                    ) from error
                host.place({**former.mounted_files, **bringing.former_secrets})
                if may_have_replaced:
                    self._put_back(host, former)
                history.end(name, bringing.action, outcome)
                raise ReleaseError(f"release {name} is not in; {former.name} serves") from error
        history.end(name, bringing.action)
        self.report.say(f"release {name} serves")

    @contextmanager
    def _told_if_interrupted(self, name: str) -> Iterator[None]:
        try:
            yield
        except KeyboardInterrupt:
            self.report.problem(f"{name} is half in: make deploy goes on, make rollback undoes it")
            raise

    def _put_back(self, host: Host, former: Release) -> None:
        self.report.problem(f"putting {former.name} back")
        with compose_of(self.docker, former, host.mounted) as compose:
            try:
                roll_back(compose, self.report)
            except ReleaseError as error:
                raise ReleaseError(
                    f"{former.name} could not be put back: {error}\n"
                    "look at docker ps, then make deploy or make rollback once more"
                ) from error

    def _former(self, host: Host, history: History, wanted: Release) -> Release | None:
        if history.current:
            return host.release(history.current)
        if history.pending:
            return None
        with compose_of(self.docker, wanted, host.mounted) as compose:
            adopted = adopt_running(compose)
        if adopted is not None:
            host.keep(adopted)
            history.end(adopted.name, "adopted")
            self.report.say(f"what runs here is kept as release {adopted.name}")
        return adopted

    def _host(self, release: Release) -> Host:
        folder = read_setting(release.env, "DEPLOY_FOLDER", DEPLOY_FOLDER)
        compose = Compose(self.docker, release, self.root, f"{folder}/{self.docker.project}/files")
        # The one image of others that is small and always there.
        return Host(self.docker, f"{folder}/{self.docker.project}", image=compose.image("nginx"))


def _with_own_name(host: Host, release: Release) -> Release:
    """The same images with other settings are another release: to these, too, one can go back."""
    number, name = 1, release.name
    while (kept := host.release(name)) is not None and kept.fingerprint != release.fingerprint:
        number += 1
        name = f"{release.name}.{number}"
    return release.named(name)
