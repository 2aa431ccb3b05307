"""Running programs of the host, with an error that shows what was run and what it said."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


class CommandError(RuntimeError):
    """A program ended with a non-zero exit code."""

    def __init__(self, argv: Sequence[str], code: int, output: str) -> None:
        self.argv = tuple(argv)
        self.code = code
        self.output = output
        super().__init__(f"`{' '.join(argv)}` ended with {code}:\n{output.strip()[-4000:]}")

    def __reduce__(self) -> tuple[type["CommandError"], tuple[Sequence[str], int, str]]:
        """How it comes back from another process."""
        return CommandError, (self.argv, self.code, self.output)


def run(
    *argv: str | Path,
    stdin: str | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout: float = 600,
) -> str:
    """Run a program and return what it wrote to standard output.

    Args:
        argv: the program and its arguments; no shell is involved.
        stdin: text for its standard input; none means an empty one.
        env: the whole environment, or none for this process's own.
        cwd: folder to run in.
        timeout: seconds before it is ended.

    Raises:
        CommandError: it ended with a non-zero exit code; the message holds the tail of its output.
        subprocess.TimeoutExpired: it did not end in time.
    """
    words = [str(word) for word in argv]
    done = subprocess.run(
        words,
        input=stdin or "",
        env=env,
        cwd=cwd,
        timeout=timeout,
        text=True,
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        raise CommandError(words, done.returncode, done.stdout + done.stderr)
    return done.stdout


def progress(text: str) -> None:
    """One line for the person who waits, at once."""
    print(f"» {text}", flush=True)
