"""Running the host's programs."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

SECONDS = 120
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
_ENVIRONMENT = {"PATH": PATH, "LC_ALL": "C", "HOME": "/root"}


class StepError(Exception):
    """A program of the host failed: the message holds its words."""


def run(*argv: str, stdin: str = "") -> str:
    """Run a program and return what it wrote to standard output.

    Raises:
        StepError: it is not there, or ended with a non-zero exit code.
    """
    try:
        done = subprocess.run(
            argv, input=stdin, env=_ENVIRONMENT, capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except OSError as error:
        raise StepError(f"{argv[0]} cannot be run: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise StepError(f"`{' '.join(argv)}` did not end within {SECONDS} s") from error
    if done.returncode != 0:
        raise StepError(f"`{' '.join(argv)}`: {' '.join((done.stderr or done.stdout).split())}")
    return done.stdout


def asked(*argv: str) -> str:
    """The same for a question that may have no answer here: nothing where the program is missing or refuses."""
    try:
        return run(*argv)
    except StepError:
        return ""


def read(path: str) -> str:
    """A file's text, or nothing."""
    file = Path(path)
    return file.read_text(encoding="utf-8", errors="surrogateescape") if file.is_file() else ""


def write(path: Path, text: str, mode: int = 0o600) -> None:
    """Replace a file in one step, and see that it is on the disk.

    The copy is made in the file's own folder: there SELinux gives it the label that belongs there.
    """
    fresh = path.with_name(f"{path.name}.new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), mode)
        file.write(text.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape"))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def master_of(link: str) -> str:
    """The bridge that a link is a port of, or nothing."""
    path = Path("/sys/class/net") / link / "master"
    return path.resolve().name if path.exists() else ""
