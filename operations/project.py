"""The owner's Pulumi project and one stack of it, worked on by the `pulumi` that is on PATH."""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from operations.errors import OperationError
from twinvpc.addressing.lock import read_lock
from twinvpc.addressing.plan import LibvirtPlan, libvirt_plan
from twinvpc.model.files import load_stack, read_yaml
from twinvpc.model.libvirt import LibvirtStack
from twinvpc.model.load import Intent
from twinvpc.model.source import as_mapping

PROJECT_FILE = "Pulumi.yaml"
PATIENCE = 600.0
"""Seconds that one run of `pulumi` may take."""


@dataclass(frozen=True)
class Project:
    """A stack of the project in a folder.

    Attributes:
        folder: where Pulumi.yaml lies.
        stack: the stack's name.
    """

    folder: Path
    stack: str

    def pulumi(self, *words: str, stdin: str = "", timeout: float = PATIENCE) -> str:
        """Run `pulumi` on this stack, without questions, and return what it wrote to standard output.

        Args:
            words: the command and its options.
            stdin: text for its standard input.
            timeout: seconds until it is ended.

        Raises:
            OperationError: it is not there, did not end in time, or ended with a non-zero exit code.
        """
        argv = ["pulumi", *words, "--stack", self.stack, "--non-interactive"]
        return _run(argv, self.folder, stdin, timeout)

    def backend(self) -> str:
        """URL of the backend that holds the state.

        Raises:
            OperationError: Pulumi does not know one: nobody is logged in.
        """
        return str(json.loads(_run(["pulumi", "whoami", "--json", "--verbose"], self.folder, "", PATIENCE))["url"])

    def name(self) -> str:
        """The project's name."""
        return str((as_mapping(read_yaml(self.folder / PROJECT_FILE).mapping) or {}).get("name"))

    def preview(self) -> dict[str, Any]:
        """What a run would do now, as `pulumi preview --json` gives it.

        Raises:
            OperationError: it cannot be told, e.g. the host cannot be reached or a file is wrong.
        """
        argv = ["pulumi", "preview", "--json", "--stack", self.stack, "--non-interactive"]
        done = _outcome(argv, self.folder, "", PATIENCE)
        try:
            told: dict[str, Any] = json.loads(done.stdout)
        except ValueError:
            raise _ended(argv, done) from None
        if done.returncode != 0:
            said = [one["message"].strip() for one in told.get("diagnostics", []) if one.get("severity") == "error"]
            raise OperationError("\n".join(["`pulumi preview` failed:", *(said or [done.stderr.strip()])]))
        return told

    def exported(self) -> dict[str, Any]:
        """The state as `pulumi stack export` gives it; secrets stay encrypted."""
        return json.loads(self.pulumi("stack", "export"))

    def replace_state(self, exported: Mapping[str, Any]) -> None:
        """Put a changed export back; Pulumi checks that it hangs together, and refuses while the stack is locked."""
        self.pulumi("stack", "import", stdin=json.dumps(exported))

    def intent(self) -> Intent:
        """What the owner wants on this stack, from the files.

        Raises:
            InvalidInputError: with every problem in the files.
        """
        return load_stack(self.folder, self.stack)

    def libvirt(self) -> tuple[LibvirtStack, LibvirtPlan]:
        """The stack's own settings and its address plan.

        Raises:
            InvalidInputError: with every problem in the files.
            OperationError: the stack is on another substrate.
        """
        stack = self.intent().stack
        if not isinstance(stack, LibvirtStack):
            raise OperationError(f"stack {self.stack} is not a libvirt stack (twin-vpc:kind); name one that is")
        return stack, libvirt_plan(stack, read_lock(self.folder).of(self.stack))


def find_project(stack: str, start: Path | None = None) -> Project:
    """The project around a folder.

    Args:
        stack: the stack's name.
        start: a folder in the project; this process's own if none is given.

    Raises:
        OperationError: there is no project, or no file of that stack.
    """
    start = (start or Path()).absolute()
    for folder in (start, *start.parents):
        if (folder / PROJECT_FILE).is_file():
            known = sorted(path.name.split(".")[1] for path in folder.glob("Pulumi.*.yaml"))
            if stack not in known:
                raise OperationError(f"there is no stack {stack}; {folder} has files of {', '.join(known) or 'none'}")
            return Project(folder, stack)
    raise OperationError(f"there is no {PROJECT_FILE} in {start} or above; run this in the project's folder")


def _run(argv: list[str], folder: Path, stdin: str, timeout: float) -> str:
    done = _outcome(argv, folder, stdin, timeout)
    if done.returncode != 0:
        raise _ended(argv, done)
    return done.stdout


def _ended(argv: list[str], done: "subprocess.CompletedProcess[str]") -> OperationError:
    said = (done.stderr + done.stdout).strip()
    return OperationError(f"`{' '.join(argv)}` ended with {done.returncode}:\n{said}")


def _outcome(argv: list[str], folder: Path, stdin: str, timeout: float) -> "subprocess.CompletedProcess[str]":
    environment = os.environ | {"PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        return subprocess.run(
            argv, cwd=folder, env=environment, input=stdin, capture_output=True, text=True, timeout=timeout, check=False
        )
    except FileNotFoundError:
        raise OperationError("there is no `pulumi` on PATH; install Pulumi, or correct PATH") from None
    except subprocess.TimeoutExpired:
        raise OperationError(
            f"`{' '.join(argv)}` did not end within {timeout:.0f} s. Is the host up? If it is, the libvirt plugin may "
            'hang while it reads a seed (README, "hangs"): run this again'
        ) from None
