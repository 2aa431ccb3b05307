"""Making an engine ready: present, else cached, else downloaded, else built."""

import fcntl
import os
import shutil
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sandbox.command import progress
from sandbox.engine.build import build
from sandbox.engine.download import download
from sandbox.engine.engine import Engine
from sandbox.engine.parts import CLI, HERE, PLUGIN, EngineError, Part
from sandbox.engine.present import present
from sandbox.paths import cache_dir, content_key

LANGUAGE = HERE / "language"
BUILT = "built from Go modules"
NOTE = ".way"
"""File in a cached part's folder that says how it was come by."""


@dataclass(frozen=True)
class Ways:
    """How a part is come by, in this order; tests put their own in.

    Attributes:
        present: folder of an installed part, or none.
        download: fills a folder with the official part, or raises EngineError.
        build: fills a folder with a part built here, or raises EngineError.
    """

    present: Callable[[Part], Path | None] = present
    download: Callable[[Part, Path], None] = download
    build: Callable[[Part, Path], None] = build


@dataclass(frozen=True)
class Found:
    """A part that is there: its folder, how it was come by, and whether this was known before."""

    folder: Path
    way: str
    cached: bool


def ensure(ways: Ways | None = None) -> Engine:
    """An engine that is ready to use. The first call may take minutes, every other one milliseconds.

    Raises:
        EngineError: no way led to an engine; the text holds why the last one failed.
    """
    ways = ways or Ways()
    cli, plugin = (_find(part, ways) for part in (CLI, PLUGIN))
    folder = _with_language_host(cli) if cli.way == BUILT else cli.folder
    parts = ((CLI, cli), (PLUGIN, plugin))
    names = [f"{part.title} v{part.version}" for part, _ in parts]
    if cli.way == plugin.way:
        text = f"{cli.way} ({', '.join(names)})"
    else:
        text = ", ".join(f"{name} {found.way}" for name, (_, found) in zip(names, parts, strict=True))
    cached = ", cached" if cli.cached and plugin.cached else ""
    return Engine(bin=folder, plugin=plugin.folder / PLUGIN.program, way=text + cached)


def _find(part: Part, ways: Ways) -> Found:
    installed = ways.present(part)
    if installed is not None:
        return Found(installed, "present on this machine", cached=False)
    folder = cache_dir() / "engine" / "parts" / f"{part.program}-{part.key}"
    if not folder.exists():
        with _lock():
            # Whoever held the lock may have made it meanwhile.
            if not folder.exists():
                _make(part, folder, ways)
                return Found(folder, (folder / NOTE).read_text(), cached=False)
    return Found(folder, (folder / NOTE).read_text(), cached=True)


def _make(part: Part, folder: Path, ways: Ways) -> None:
    """Download or build beside the final place and rename: a half-made part is never seen."""
    with _beside(folder) as making:
        try:
            ways.download(part, making)
            way = "downloaded"
        except EngineError as error:
            reason = str(error).partition("\n")[0]
            progress(f"{part.title}: the official release cannot be downloaded here ({reason})")
            shutil.rmtree(making)
            making.mkdir()
            ways.build(part, making)
            way = BUILT
        (making / NOTE).write_text(way)


def _with_language_host(cli: Found) -> Path:
    """A folder with our language host beside a built `pulumi`: there the engine takes it as its own."""
    scripts = sorted(path for path in LANGUAGE.iterdir() if path.is_file())
    key = content_key(cli.folder.name, *(path.name for path in scripts), *(path.read_bytes() for path in scripts))
    folder = cache_dir() / "engine" / key
    if not folder.exists():
        with _lock():
            if not folder.exists():
                with _beside(folder) as making:
                    shutil.copytree(LANGUAGE, making / "language", ignore=shutil.ignore_patterns("__pycache__"))
                    (making / "bin").mkdir()
                    # Hard links: the engine resolves symbolic ones before it looks beside itself.
                    os.link(cli.folder / CLI.program, making / "bin" / CLI.program)
                    shutil.move(making / "language" / "pulumi-language-python", making / "bin")
    return folder / "bin"


@contextmanager
def _beside(folder: Path) -> Generator[Path]:
    """An empty folder that takes the final one's place when all went well, and vanishes otherwise."""
    making = folder.with_name(f".{folder.name}.making")
    # Under the lock, so what lies here was left by a maker that was killed.
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    try:
        yield making
        making.rename(folder)
    finally:
        shutil.rmtree(making, ignore_errors=True)


@contextmanager
def _lock() -> Generator[None]:
    """One maker at a time on this cache; the others wait and say so. Freed when its holder dies."""
    path = cache_dir() / "engine" / "lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("another run is preparing the engine: waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
