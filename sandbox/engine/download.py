"""The official parts from Pulumi's own release site, where it can be reached.

The site is tried for a few seconds only: a closed network must cost next to nothing. What is downloaded is
trusted as far as TLS to the vendor goes, as the vendor's own installer trusts it, and its version is checked.
"""

import http.client
import platform
import shutil
import subprocess
import tarfile
import threading
import urllib.request
from pathlib import Path
from typing import IO

from sandbox.command import CommandError, progress, run
from sandbox.engine.parts import CLI, EngineError, Part

SITE = "https://get.pulumi.com/releases"
REACH = 4.0
"""Seconds until the site must have answered, name look-up included."""

STALL = 20.0
"""Seconds without a byte after which a download that had begun is given up."""


def address(part: Part) -> str:
    """Where the official archive of a part lies.

    Raises:
        EngineError: there is none for this kind of machine.
    """
    machine = {"x86_64": ("x64", "amd64"), "aarch64": ("arm64", "arm64")}.get(platform.machine())
    if machine is None:
        raise EngineError(f"{part.title}: no official release for {platform.machine()}")
    if part.program == CLI.program:
        return f"{SITE}/sdk/pulumi-v{part.version}-linux-{machine[0]}.tar.gz"
    return f"{SITE}/plugins/{part.program}-v{part.version}-linux-{machine[1]}.tar.gz"


def download(part: Part, folder: Path) -> None:
    """Fill a folder with the official release of a part.

    Raises:
        EngineError: it cannot be had here; the text says why.
    """
    url = address(part)
    archive = folder / "archive.tar.gz"
    response = _open(url)
    progress(f"downloading {url}")
    try:
        with response, archive.open("wb") as file:
            shutil.copyfileobj(response, file)
        _unpack(archive, folder)
        archive.unlink()
        _check(part, folder)
    except (OSError, http.client.HTTPException, tarfile.TarError) as error:
        raise EngineError(f"{part.title}: {url}: {error}") from error


def _open(url: str) -> IO[bytes]:
    """The answer's body. A name look-up knows no timeout, so a thread waits that we do not wait for."""
    box: list[IO[bytes] | Exception] = []

    def ask() -> None:
        try:
            box.append(urllib.request.urlopen(url, timeout=STALL))  # noqa: S310 - a fixed https address
        except (OSError, http.client.HTTPException) as error:
            box.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(REACH)
    if not box:
        raise EngineError(f"{url}: no answer within {REACH:.0f} s")
    if isinstance(box[0], Exception):
        raise EngineError(f"{url}: {box[0]}") from box[0]
    return box[0]


def _unpack(archive: Path, folder: Path) -> None:
    """The archive's files, without the one folder that the command line tool's archive puts around them."""
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    inner = folder / "pulumi"
    if inner.is_dir():
        inner = inner.rename(folder / ".inner")
        for path in inner.iterdir():
            path.rename(folder / path.name)
        inner.rmdir()


def _check(part: Part, folder: Path) -> None:
    """Refuse what is not the pinned version.

    Raises:
        EngineError: the program is missing, or says another version.
    """
    program = folder / part.program
    if not program.is_file():
        raise EngineError(f"{part.title}: the archive holds no {part.program}")
    argument = "version" if part.program == CLI.program else "--version"
    try:
        said = run(program, argument, env={"PULUMI_SKIP_UPDATE_CHECK": "true"}, timeout=60)
    except (CommandError, OSError, subprocess.TimeoutExpired) as error:
        raise EngineError(f"{part.title}: the archive's {part.program} does not run: {error}") from error
    said = said.strip().removeprefix("v")
    if said != part.version:
        raise EngineError(f"{part.title}: the archive holds version {said}, not {part.version}")
