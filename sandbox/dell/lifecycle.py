"""Bringing the sandbox up and taking it down, from whatever half state a killed run left it in."""

import os
import shutil
import time
from collections.abc import Container, Iterator, Sequence
from pathlib import Path

from sandbox.command import progress
from sandbox.debian import locked
from sandbox.dell import cgroup, container, daemon, image, lan, mounts, packages, settings
from sandbox.dell.site import SandboxDownError, SandboxError, Site, here
from sandbox.dell.world import World, booted, current, wait_for_services

_PROGRAMS = ("busybox", "debootstrap", "ip", "nft", "nsenter", "setpriv", "ssh", "sysctl", "systemd-nspawn", "unshare")
_PATIENCE = 20.0
"""Seconds until processes that were sent SIGKILL must be gone."""


def up(site: Site | None = None) -> World:
    """Bring the sandbox up and return it; one that is up already is left as it is.

    Args:
        site: another one than this checkout's.

    Raises:
        SandboxError: this machine cannot carry it, or it did not come up in time.
        CommandError: a program failed; the message holds its output.
    """
    site = site or here()
    _require()
    with locked(site.lock):
        try:
            return current(site)
        except SandboxDownError:
            _clear(site)
        started = time.monotonic()
        site.state.chmod(0o700)
        image.ensure()
        world = _boot(site)
        progress(f"the sandbox {site.machine} is up ({time.monotonic() - started:.0f} s)")
        return world


def down(site: Site | None = None) -> None:
    """Take the sandbox down: processes, control groups, namespaces, links, disk, keys. The image stays cached.

    Args:
        site: another one than this checkout's.

    Raises:
        SandboxError: a process does not end.
    """
    site = site or here()
    _require()
    with locked(site.lock):
        _clear(site)


def _boot(site: Site) -> World:
    progress("making the LAN and the Internet")
    lan.create(site)
    daemon.start(site, "dns", "nsenter", f"--net={site.netns_path('internet')}")
    progress("booting the host (5 to 10 s)")
    for name in ("root", "upper", "work", "docker"):
        (site.dell / name).mkdir(parents=True)
    settings.make_keys(site)
    settings.write(site, site.dell / "upper")
    into = f"nsenter --net={site.netns_path('lan')} unshare --mount --propagation=slave"
    daemon.start(site, "supervisor", *into.split())
    pid = wait_for_services(site)
    progress("starting the container `probe`")
    container.create(site, pid)
    world = booted(site)
    site.ready.touch()
    return world


def _clear(site: Site) -> None:
    """Remove all that bears the sandbox's name. Every step looks for itself, so any half state will do."""
    site.ready.unlink(missing_ok=True)
    _end_guests(site.namespaces())
    cgroup.clear(site.machine)
    lan.remove(site)
    # ours live in the supervisor's mount namespace; one seen from here was put there by somebody else
    mounts.clear_below(site.dell)
    for path in (site.dell, site.key.parent, site.account):
        if path.exists():
            shutil.rmtree(path)
    for pattern in ("*.pid", "*.new", "*.out", "dns.log"):
        for file in site.state.glob(pattern):
            file.unlink()


def _end_guests(namespaces: Sequence[Path]) -> None:
    """End what runs in our namespaces, such as a probe that was left behind; never the caller."""
    ours = {os.getpid(), *_ancestors(os.getpid())}
    inodes = {path.stat().st_ino for path in namespaces}
    deadline = time.monotonic() + _PATIENCE
    while left := [pid for pid in _inside(inodes) if pid not in ours]:
        for pid in left:
            cgroup.kill(pid)
        if time.monotonic() > deadline:
            raise SandboxError(f"processes {left} in the sandbox's networks do not end; see `ps`, then try again")
        time.sleep(0.02)


def _inside(inodes: Container[int]) -> Iterator[int]:
    """The processes whose network namespace has one of these inode numbers."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if (entry / "ns/net").stat().st_ino in inodes:
                yield int(entry.name)
        except OSError:  # it has ended, or the kernel guards it even from root: not one of ours
            continue


def _ancestors(pid: int) -> list[int]:
    parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return [parent, *_ancestors(parent)] if parent > 1 else []


def _require() -> None:
    """This machine can carry a sandbox: root, and the programs of `packages`."""
    if os.geteuid() != 0:
        raise SandboxError("the sandbox needs root, for namespaces and a container; run it with sudo or as root")
    missing = [name for name in _PROGRAMS if shutil.which(name) is None]
    if missing:
        wanted = " ".join(packages.host_packages())
        raise SandboxError(f"{', '.join(missing)} missing on this machine; `apt-get install {wanted}`")
