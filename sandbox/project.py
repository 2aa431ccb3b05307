"""The project as it lies on the laptop, and Pulumi run there exactly as its owner would.

Pulumi writes a salt into the stack file at `stack init`. So the laptop has its own copies of the files at the project's
top, byte for byte, and links to the folders: the checkout itself stays untouched, and a test can change a file.
"""

import os
import secrets
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from operations.recover import locks
from sandbox.command import CommandError, run
from sandbox.dell.site import Site, here
from sandbox.dell.world import World, laptop
from sandbox.engine import Engine
from sandbox.paths import ROOT

STACK = "dell"
BASELINE = "baseline.json"
_NAME = "twin-vpc"
"""The project's, as in Pulumi.yaml."""
_FOLDERS = ("twinvpc", "components", "providers", "operations", ".venv")
_FILES = ("Pulumi.yaml", "__main__.py", "network.yaml", "addresses.lock.json", "requirements.txt")


@dataclass(frozen=True)
class Project:
    """A copy of the project on the laptop.

    Attributes:
        world: the sandbox it stands in.
        engine: whose `pulumi` runs.
        folder: where it lies.
        environment: the whole environment of `pulumi`.
    """

    world: World
    engine: Engine
    folder: Path
    environment: Mapping[str, str] = field(repr=False)

    def pulumi(self, *argv: str, timeout: float = 600) -> str:
        """Run `pulumi` on the laptop and return everything it printed.

        Raises:
            CommandError: it ended with a non-zero exit code.
        """
        process = self.start(*argv)
        output, _ = process.communicate(timeout=timeout)
        if process.returncode != 0:
            raise CommandError(["pulumi", *argv], process.returncode, output)
        return output

    def start(self, *argv: str) -> "subprocess.Popen[str]":
        """Start `pulumi` in a process group of its own, output and errors in one pipe."""
        return subprocess.Popen(
            self._words(*argv), cwd=self.folder, env=dict(self.environment), text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip

    def show(self, *argv: str) -> int:
        """Run `pulumi` with its output straight on this terminal; return its exit code."""
        return subprocess.call(
            self._words(*argv), cwd=self.folder, env=dict(self.environment), stdin=subprocess.DEVNULL
        )

    def ask(self, *argv: str, timeout: float = 600) -> str:
        """Run `pulumi` where Ctrl-C reaches it, without showing what it prints, and return that.

        Raises:
            CommandError: it ended with a non-zero exit code.
        """
        return run(*self._words(*argv), cwd=self.folder, env=self.environment, timeout=timeout)

    def operate(self, *argv: str, timeout: float = 600) -> "subprocess.CompletedProcess[str]":
        """Run `python -m operations` on the laptop, as the owner does; its exit code is the caller's to judge."""
        python = str(self.folder / ".venv" / "bin" / "python")
        return subprocess.run(
            [*laptop(self.world), python, "-m", "operations", *argv], cwd=self.folder, env=dict(self.environment),
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout, check=False,
        )  # fmt: skip

    def _words(self, *argv: str) -> list[str]:
        return [*laptop(self.world), str(self.engine.bin / "pulumi"), *argv, "--non-interactive"]

    def init(self, stack: str) -> None:
        """Create a stack if it is new.

        Raises:
            CommandError: it could not be created.
        """
        if not self.checkpoint(stack).exists():
            self.pulumi("stack", "init", stack)

    def checkpoint(self, stack: str) -> Path:
        """The file that holds a stack's state; there is none before `init`."""
        return self._backend / "stacks" / _NAME / f"{stack}.json"

    def lock_folder(self, stack: str) -> Path:
        """Where whoever works on a stack has a file."""
        return locks.folder(self.environment["PULUMI_BACKEND_URL"], _NAME, stack, self.folder)

    def forget(self, stack: str) -> bool:
        """Delete a stack's state, locks and history: what it speaks of is gone. Whether it spoke of anything."""
        state = self.checkpoint(stack)
        spoke = state.exists() and '"resources"' in state.read_text(encoding="utf-8")
        for part in ("history", "backups"):
            shutil.rmtree(self._backend / part / _NAME / stack, ignore_errors=True)
        shutil.rmtree(self.lock_folder(stack), ignore_errors=True)
        for path in (self._backend / "stacks" / _NAME).glob(f"{stack}.json*"):
            path.unlink()
        return spoke

    @property
    def _backend(self) -> Path:
        return self.folder.parent / "state" / ".pulumi"

    def write(self, name: str, text: str) -> None:
        """Change one of the copied files."""
        (self.folder / name).write_text(text, encoding="utf-8")

    def refreshed(self) -> "Project":
        """The same project with the checkout's files as they are now; only the stack file's salt is kept."""
        _copy_files(self.folder)
        return self


def project(world: World, engine: Engine, name: str = "project") -> Project:
    """Lay the project out on the laptop, with a state of its own, and create the stack if it is new.

    Args:
        world: the sandbox.
        engine: the engine.
        name: another name gives another copy with another state.
    """
    base = world.state / name
    folder = base / "twin-vpc"
    folder.mkdir(parents=True, exist_ok=True)
    _copy_files(folder)
    for part in _FOLDERS:
        link = folder / part
        if not link.is_symlink():
            link.symlink_to(ROOT / part)
    passphrase = base / "passphrase"
    if not passphrase.exists():
        with os.fdopen(os.open(passphrase, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as secret:
            secret.write(secrets.token_urlsafe(32))
    environment = engine.environment(world.state / "home", base / "state", passphrase)
    laid = Project(world, engine, folder, environment)
    laid.init(STACK)
    return laid


def _copy_files(folder: Path) -> None:
    for name in _FILES:
        shutil.copyfile(ROOT / name, folder / name)
    for stack_file in ROOT.glob("Pulumi.*.yaml"):
        mine = folder / stack_file.name
        text = mine.read_text(encoding="utf-8") if mine.exists() else ""
        salt = [line for line in text.splitlines() if line.startswith("encryptionsalt:")]
        # The owner's own salt belongs to the owner's passphrase; this copy has a passphrase of its own.
        lines = stack_file.read_text(encoding="utf-8").splitlines()
        theirs = [line for line in lines if not line.startswith("encryptionsalt:")]
        mine.write_text("\n".join([*theirs, *salt, ""]), encoding="utf-8")


def forget(site: Site | None = None) -> None:
    """Delete the states of all projects of a sandbox (this checkout's by default): the host they describe is gone."""
    state = (site or here()).state
    for folder in (*state.glob("project*"), state / "home" / ".pulumi"):
        shutil.rmtree(folder, ignore_errors=True)
    (state / BASELINE).unlink(missing_ok=True)
