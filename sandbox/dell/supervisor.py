"""The power supply of the host: runs its container in the LAN's network namespace, and again when it reboots.

Started with `nsenter` into that namespace and `unshare` into a mount namespace of its own, so the host's links and
its overlay never show on the machine, and vanish with the last process.
"""

import subprocess
import sys
import time
from pathlib import Path

from sandbox.command import run
from sandbox.dell import cgroup, daemon, image, lan
from sandbox.dell.settings import UPLINK
from sandbox.dell.site import SandboxError, Site

REBOOT = 133
"""How systemd-nspawn ends with --keep-unit when its machine asked for a reboot."""
_PORT = "dell"
"""The LAN bridge's port that the host's uplink is plugged into."""
_PATIENCE = 20.0
"""Seconds until a started container must have made its uplink."""


def main(site: Site) -> int:
    """Run the host until it powers off; return the container's exit code."""
    daemon.enrol(site, "supervisor")
    _mount(site)
    while True:
        container = subprocess.Popen(_command(site), stdin=subprocess.DEVNULL)
        _plug(container)
        code = container.wait()
        print(f"host ended with {code}", flush=True)
        if code != REBOOT:
            return code


def _mount(site: Site) -> None:
    """The host's disk: the shared image below, its own layer above. And a place for nspawn's own notes."""
    root, upper, work = (site.dell / name for name in ("root", "upper", "work"))
    layers = f"lowerdir={image.tree()},upperdir={upper},workdir={work}"
    run("mount", "-t", "overlay", "-o", layers, "overlay", root)
    notes = Path("/run/systemd")
    if notes.is_dir():
        run("mount", "-t", "tmpfs", "tmpfs", notes)


def _command(site: Site) -> list[str]:
    words = [
        "systemd-nspawn",
        "--quiet",
        "--register=no",
        "--keep-unit",
        f"--machine={site.machine}-dell",
        "--hostname=dell",
        f"--directory={site.dell / 'root'}",
        "--boot",
        "--console=pipe",
        "--link-journal=no",
        "--resolv-conf=off",
        "--timezone=off",
        "--settings=no",
        f"--network-veth-extra={_PORT}:{UPLINK}",
        "--capability=all",
        "--system-call-filter=@keyring bpf",
        # Docker's layers cannot lie on an overlay
        f"--bind={site.dell / 'docker'}:/var/lib/docker",
    ]
    words += [f"--bind={device}" for device in ("/dev/net/tun", "/dev/kvm") if Path(device).exists()]
    if not cgroup.version_two():
        words.append("systemd.unified_cgroup_hierarchy=0")
    return words


def _plug(container: subprocess.Popen[bytes]) -> None:
    """Plug the uplink into the LAN's bridge as soon as the container has made it."""
    deadline = time.monotonic() + _PATIENCE
    while container.poll() is None:
        if Path(f"/proc/{container.pid}/net/dev").read_text().find(f" {_PORT}:") >= 0:
            run("ip", "link", "set", _PORT, "master", lan.BRIDGE, "up")
            return
        if time.monotonic() > deadline:
            container.kill()
            raise SandboxError(f"the host's container made no uplink within {_PATIENCE:.0f} s")
        time.sleep(0.02)


if __name__ == "__main__":
    sys.exit(main(Site(sys.argv[1])))
