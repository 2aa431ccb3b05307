"""Root trees of Debian 12, made from packages alone.

debootstrap makes the smallest Debian; then this machine's apt, with whatever mirror, proxy and certificates it is set
up with, downloads the packages into the tree, and they are installed there with no network at all. Nothing of this
machine's apt configuration stays in the tree.
"""

import fcntl
import os
import re
import shutil
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sandbox.command import progress, run

SUITE = "bookworm"
DPKG = """force-unsafe-io
path-exclude=/usr/share/doc/*
path-exclude=/usr/share/man/*
path-exclude=/usr/share/info/*
path-exclude=/usr/share/locale/*
"""
_CHROOT = """set -e
mount -t proc proc "$1/proc"
mount -t sysfs -o ro sysfs "$1/sys"
mount -t tmpfs tmpfs "$1/run"
root=$1
shift
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 \
  chroot "$root" """
INSTALL = _CHROOT + 'apt-get install -qq --no-install-recommends --no-download "$@"\n'
INSIDE = _CHROOT + '"$@"\n'
_ALONE = ("setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child")
"""Mounts of its own, and nothing of it outlives this process: a killed build leaves no mount and no writer."""


@contextmanager
def locked(path: Path) -> Generator[None]:
    """Hold the lock file `path`; another process that wants it waits. The lock ends with its holder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def kept(made: Path, build: Callable[[Path], None]) -> Path:
    """What is at `made`, built first if it is not there, by one process at a time; it must never be written to.

    Args:
        made: a folder of the cache, named after the content of its recipe.
        build: fills a folder that does not exist yet; a failed build leaves nothing at `made`.
    """
    with locked(made.with_suffix(".lock")):
        if not made.exists():
            partial = made.with_suffix(".partial")
            shutil.rmtree(partial, ignore_errors=True)
            build(partial)
            partial.rename(made)
    return made


def install(root: Path, packages: Sequence[str]) -> None:
    """Make a root tree with packages and all that they need; their services are not started.

    Raises:
        CommandError: a step failed; the message holds the end of its output.
    """
    progress("  1/3 debootstrap, the smallest Debian 12")
    env = os.environ | proxy()
    run(*_ALONE, "debootstrap", "--variant=minbase", SUITE, root, *mirror(), env=env, timeout=1800)
    (root / "etc/dpkg/dpkg.cfg.d/10-sandbox").write_text(DPKG)
    policy = root / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    progress(f"  2/3 downloading {len(packages)} packages and what they need")
    _apt(root, "update")
    _apt(root, "install", "--no-install-recommends", "--download-only", *packages)
    progress("  3/3 installing them")
    run(*_ALONE, "--net", "sh", "-c", INSTALL, "sh", root, *packages, timeout=1800)
    policy.unlink()
    _clean(root)


def inside(root: Path, *argv: str) -> str:
    """Run a command in a tree, with no network, and return its standard output."""
    return run(*_ALONE, "--net", "sh", "-c", INSIDE, "sh", root, *argv, timeout=1800)


def _clean(root: Path) -> None:
    """Take away what belongs to this machine or to one running host: names, keys, apt's settings, logs."""
    for pattern in (
        "var/cache/apt/archives/*.deb",
        "etc/ssh/ssh_host_*",
        "var/log/**/*",
        "etc/apt/sources.list",
    ):
        for path in root.glob(pattern):
            if not path.is_dir():
                path.unlink()
    shutil.rmtree(root / "var/lib/apt/lists")
    for name in ("etc/resolv.conf", "etc/hostname", "etc/machine-id"):
        (root / name).unlink(missing_ok=True)
        (root / name).touch()


def _apt(root: Path, *words: str) -> None:
    """This machine's apt, working on the tree's package state with the tree's own sources and keys."""
    etc = root / "etc/apt"
    places = {
        "Dir::State": root / "var/lib/apt",
        "Dir::State::status": root / "var/lib/dpkg/status",
        "Dir::Cache": root / "var/cache/apt",
        "Dir::Etc::SourceList": etc / "sources.list",
        "Dir::Etc::SourceParts": "-",
        "Dir::Etc::Preferences": "-",
        "Dir::Etc::PreferencesParts": "-",
        "Dir::Etc::TrustedParts": etc / "trusted.gpg.d",
        "APT::Sandbox::User": "root",
    }
    options = [word for name, value in places.items() for word in ("-o", f"{name}={value}")]
    run(*_ALONE, "apt-get", "-qq", "--yes", *options, *words, timeout=1800)


def mirror() -> list[str]:
    """The mirror this machine's apt has for Debian 12; empty (debootstrap's default) on another system."""
    form = "$(ORIGIN) $(CODENAME) $(COMPONENT) $(REPO_URI)"
    for line in run("apt-get", "indextargets", "--format", form, "Created-By: Packages").splitlines():
        origin, codename, component, *uri = line.split()
        if (origin, codename, component) == ("Debian", SUITE, "main") and uri:
            return uri[:1]
    return []


def proxy() -> dict[str, str]:
    """The proxy this machine's apt uses, in the words debootstrap's downloader understands."""
    said = run("apt-config", "shell", "P", "Acquire::http::Proxy")
    found = re.fullmatch(r"P='(.+)'\s*", said)
    return {"http_proxy": found[1]} if found else {}
