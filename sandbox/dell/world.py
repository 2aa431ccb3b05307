"""The running sandbox as other code sees it: its places, and how to run something there."""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from types import MappingProxyType

from sandbox.command import CommandError, run
from sandbox.dell import container, daemon, power
from sandbox.dell.site import (
    DELL,
    INTERNET,
    LAPTOP,
    NAS,
    ROUTER,
    SSH_PORT,
    SandboxDownError,
    SandboxError,
    Site,
    here,
)

_SERVICES = ("ssh", "firewalld", "docker", "libvirtd.socket")
"""libvirtd itself ends after two idle minutes, as Debian has it, and its socket starts it again."""
_BOOT_PATIENCE = 120.0
"""Seconds a boot may take; it takes about ten on two cores."""


@dataclass(frozen=True)
class Place:
    """Somewhere packets come from and go to.

    Attributes:
        name: its name in `World.places`.
        netns: file of its network namespace that setns() takes on this machine.
        address: the address it has there.
    """

    name: str
    netns: Path
    address: IPv4Address


@dataclass(frozen=True)
class World:
    """A sandbox that is up; stale after a reboot of the host: take the one `reboot` returns, or `current()`.

    Attributes:
        id: what its namespaces are named after, `twin-<id>-*`.
        state: folder of its files; `dns.log` in it holds one JSON object per query that reached the Internet.
        dell_pid: pid on this machine of the host's PID 1.
        places: internet, router, nas, laptop, dell; and docker0, the container `probe`, while Docker runs it.
        key: the laptop's private SSH key, which the host's root accepts.
        known_hosts: the laptop's record of the host's key.
    """

    id: str
    state: Path
    dell_pid: int
    places: Mapping[str, Place]
    key: Path
    known_hosts: Path


def current(site: Site | None = None) -> World:
    """The sandbox that is up now.

    Args:
        site: another one than this checkout's.

    Raises:
        SandboxDownError: it is not up.
    """
    site = site or here()
    whole = site.ready.exists() and daemon.running(site, "dns") is not None
    pid = power.init(site) if whole else None
    if pid is None:
        raise SandboxDownError(f"the sandbox {site.machine} is not up; `make up` brings it up")
    return _world(site, pid)


def in_dell(world: World, *argv: str, stdin: str | None = None, timeout: float = 600) -> str:
    """Run a program inside the host, as its root, not through SSH; return its standard output.

    Raises:
        CommandError: it ended with a non-zero exit code.
    """
    return run(*container.nsenter(world.dell_pid), *argv, stdin=stdin, timeout=timeout)


def settled(world: World) -> None:
    """Wait until a reload of firewalld is over: what Docker does not make again is given back a second or two later.

    Raises:
        CommandError: it is not after half a minute.
    """
    in_dell(world, "flock", "--wait", "30", "/etc/firewalld", "true")


def in_laptop(
    world: World,
    *argv: str | Path,
    env: Mapping[str, str] | None = None,
    stdin: str | None = None,
    cwd: Path | None = None,
    timeout: float = 600,
) -> str:
    """Run a program of this machine in the laptop's network and home; return its standard output.

    Args:
        world: the sandbox.
        argv: the program and its arguments.
        env: variables on top of this process's own; HOME is the laptop's.
        stdin: text for its standard input.
        cwd: folder to run in.
        timeout: seconds before it is ended.

    Raises:
        CommandError: it ended with a non-zero exit code.
    """
    return run(*laptop(world), *argv, env=laptop_env(world, env), stdin=stdin, cwd=cwd, timeout=timeout)


def laptop(world: World) -> tuple[str, ...]:
    """The words that make a command run in the laptop's network, for callers that start it themselves."""
    return ("ip", "netns", "exec", world.places["laptop"].netns.name)


def laptop_env(world: World, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment with the laptop's home and `extra` on top."""
    return os.environ | {"HOME": str(world.state / "home")} | dict(extra or {})


def ssh(world: World, *argv: str) -> str:
    """Run a command line on the host over SSH from the laptop, as Pulumi does; return its standard output."""
    options = ("-oBatchMode=yes", "-oConnectTimeout=5", f"-oUserKnownHostsFile={world.known_hosts}")
    return in_laptop(
        world,
        "ssh",
        "-F",
        "none",
        "-i",
        world.key,
        "-p",
        str(SSH_PORT),
        *options,
        f"root@{DELL}",
        *argv,
        timeout=60,
    )


def reboot(world: World) -> World:
    """Reboot the host and wait until sshd, libvirtd, Docker, firewalld and the container `probe` run again.

    Raises:
        SandboxError: it did not come back in time.
    """
    site = Site(world.id)
    in_dell(world, "systemctl", "reboot")
    wait_for("the host to go down", lambda: power.init(site) != world.dell_pid)
    return booted(site)


def booted(site: Site) -> World:
    """Wait until the host has booted and its container `probe` runs, and return the world.

    Raises:
        SandboxError: it did not in time; the message names the log.
    """
    pid = wait_for_services(site)
    container.wait(pid)
    return _world(site, pid)


def wait_for_services(site: Site) -> int:
    """Wait until the host's services answer, sshd from the laptop, and return the pid of its PID 1."""
    wait_for("the host to boot", lambda: power.init(site) is not None)
    wait_for("the host's services", lambda: _serves(site))
    pid = power.init(site)
    if pid is None:
        raise SandboxError(f"the host went down right after its boot; see {site.state / 'supervisor.out'}")
    return pid


def wait_for(what: str, done: Callable[[], bool]) -> None:
    """Ask `done` again and again until it says yes.

    Raises:
        SandboxError: two minutes have passed.
    """
    deadline = time.monotonic() + _BOOT_PATIENCE
    while not done():
        if time.monotonic() > deadline:
            raise SandboxError(f"waited {_BOOT_PATIENCE:.0f} s for {what}; `make down`, then `make up`")
        time.sleep(0.1)


def _serves(site: Site) -> bool:
    pid = power.init(site)
    if pid is None:
        return False
    try:
        run(*container.nsenter(pid), "systemctl", "--quiet", "is-active", *_SERVICES, timeout=20)
        ssh(_world(site, pid), "virsh", "--connect", "qemu:///system", "list")
    except CommandError:
        return False
    return True


def _world(site: Site, pid: int) -> World:
    named = {"internet": INTERNET, "router": ROUTER, "nas": NAS, "laptop": LAPTOP}
    places = {name: Place(name, site.netns_path(name), address) for name, address in named.items()}
    places["dell"] = Place("dell", Path(f"/proc/{pid}/ns/net"), DELL)
    probe = container.find(pid)
    if probe:
        places["docker0"] = Place("docker0", *probe)
    return World(site.id, site.state, pid, MappingProxyType(places), site.key, site.known_hosts)
