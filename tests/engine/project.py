"""A small Pulumi project in a folder of its own, run by the real engine."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

PROJECT = """\
name: toy
runtime:
  name: python
  options:
    toolchain: pip
    virtualenv: {virtualenv}
plugins:
  providers:
    - name: toy
      path: ./toy
"""


@dataclass(frozen=True)
class Outcome:
    code: int
    text: str

    def clean(self) -> bool:
        """Nothing in it that only a programmer could read."""
        return not any(word in self.text for word in ("Traceback", "KeyboardInterrupt", "Fatal Python", "panic:"))


@dataclass(frozen=True)
class Project:
    folder: Path
    environment: Mapping[str, str]

    def program(self, text: str) -> None:
        (self.folder / "__main__.py").write_text(text)

    def start(self, *args: str) -> subprocess.Popen[str]:
        """`pulumi` as a terminal starts it: in a process group of its own."""
        return subprocess.Popen(
            ["pulumi", *args, "--non-interactive"],
            cwd=self.folder,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            process_group=0,
            executable=shutil.which("pulumi", path=self.environment["PATH"]),
        )

    def run(self, *args: str) -> Outcome:
        process = self.start(*args)
        text, _ = process.communicate(timeout=60)
        return Outcome(process.returncode, text)

    def interrupt(self, *args: str, when: Callable[[], bool], number: int = signal.SIGINT) -> Outcome:
        """Run, and press Ctrl-C once: a signal to the whole process group, as the terminal sends it."""
        process = self.start(*args)
        self.wait_until(when)
        os.killpg(process.pid, number)
        text, _ = process.communicate(timeout=20)
        return Outcome(process.returncode, text)

    @staticmethod
    def wait_until(claim: Callable[[], bool], seconds: float = 20) -> None:
        """Poll a claim until it holds."""
        end = time.monotonic() + seconds
        while not claim():
            assert time.monotonic() < end, "waited in vain"
            time.sleep(0.05)

    def locks(self) -> list[Path]:
        backend = Path(self.environment["PULUMI_BACKEND_URL"].removeprefix("file://"))
        return list(backend.glob("**/locks/**/*.json"))

    def processes(self) -> list[str]:
        """What still runs on this project's behalf, told by its HOME."""
        mine = f"HOME={self.environment['HOME']}".encode()
        found: list[str] = []
        for path in Path("/proc").glob("[0-9]*"):
            try:
                if mine in (path / "environ").read_bytes().split(b"\0"):
                    found.append((path / "cmdline").read_bytes().replace(b"\0", b" ").decode())
            except OSError:
                continue  # it ended, or belongs to somebody else
        return found
