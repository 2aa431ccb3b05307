"""What makes the image this one host: name, address, keys, sshd, firewalld, two small units.

All of it is written into the host's own layer before it boots, so a change here needs no new image.
"""

import secrets
from pathlib import Path

from sandbox.command import run
from sandbox.dell.site import DELL, RESOLVER, ROUTER, SSH_PORT, Site

UPLINK = "eno1"

_SSHD = f"""Port {SSH_PORT}
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
HostKey /etc/ssh/ssh_host_ed25519_key
"""

_ZONE = f"""<?xml version="1.0" encoding="utf-8"?>
<zone>
  <short>Public</short>
  <interface name="{UPLINK}"/>
  <service name="dhcpv6-client"/>
  <port port="{SSH_PORT}" protocol="tcp"/>
  <forward/>
</zone>
"""
"""The default zone as Debian ships it, with sshd's real port in place of 22."""

_SYSCTL = """# What a kernel starts with. A network namespace inherits the carrying machine's settings instead.
net.ipv4.ip_forward = 0
net.ipv4.conf.all.rp_filter = 0
net.ipv4.conf.default.rp_filter = 0
"""

_UPLINK_UNIT = f"""[Unit]
Description=Address and default route of {UPLINK}
DefaultDependencies=no
Wants=network-pre.target
After=network-pre.target systemd-sysctl.service
Before=network.target shutdown.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=ip address replace {DELL}/24 dev {UPLINK}
ExecStart=ip link set {UPLINK} up
ExecStart=ip route replace default via {ROUTER} dev {UPLINK}

[Install]
WantedBy=multi-user.target
"""

_CGROUP_UNIT = """[Unit]
Description=Control groups writable for Docker and libvirt, inside a container
DefaultDependencies=no
Before=sysinit.target docker.service libvirtd.service
ConditionVirtualization=container

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=sh -c 'for c in /sys/fs/cgroup/*; do ! mountpoint -q "$c" || mount -o remount,rw,bind "$c"; done'

[Install]
WantedBy=sysinit.target
"""

_UNITS = {
    "uplink.service": (_UPLINK_UNIT, "multi-user.target"),
    "cgroups-writable.service": (_CGROUP_UNIT, "sysinit.target"),
}

_OFF = (
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "console-getty.service",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "fstrim.timer",
    "getty@tty1.service",
    "systemd-networkd.service",
)
"""Units that want a disk, a console or the Internet, or would fight `uplink.service` for the link."""


def make_keys(site: Site) -> None:
    """Fresh SSH keys for the laptop's user and the host, and the laptop's record of the host's."""
    folder = site.key.parent
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in (site.key, _host_key(site)):
        for old in (path, _public(path)):
            old.unlink(missing_ok=True)
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "twin", "-f", path)
    kind, value, _ = _public(_host_key(site)).read_text().split()
    site.known_hosts.write_text(f"[{DELL}]:{SSH_PORT} {kind} {value}\n")


def write(site: Site, root: Path) -> None:
    """Write the host's settings below `root`, the upper layer of its disk.

    Args:
        site: the sandbox; its keys exist already (`make_keys`).
        root: an empty folder. A folder made here stands for the image's own, so it carries the same mode.
    """
    etc = root / "etc"
    key = _host_key(site)
    files = {
        "hostname": "dell\n",
        "hosts": f"127.0.0.1 localhost\n::1 localhost\n{DELL} dell\n",
        "resolv.conf": f"nameserver {RESOLVER}\n",
        "default/locale": "",
        "machine-id": f"{secrets.token_hex(16)}\n",
        "ssh/sshd_config.d/10-sandbox.conf": _SSHD,
        "ssh/ssh_host_ed25519_key.pub": _public(key).read_text(),
        "firewalld/zones/public.xml": _ZONE,
        "sysctl.d/00-kernel.conf": _SYSCTL,
    }
    for name, text in files.items():
        _write(etc / name, text)
    _write(etc / "ssh/ssh_host_ed25519_key", key.read_text(), mode=0o600)
    (root / "root/.ssh").mkdir(parents=True)
    for folder in (root / "root", root / "root/.ssh"):
        folder.chmod(0o700)
    _write(root / "root/.ssh/authorized_keys", _public(site.key).read_text(), mode=0o600)
    for name, (text, target) in _UNITS.items():
        _write(etc / "systemd/system" / name, text)
        _link(etc / "systemd/system" / f"{target}.wants" / name, f"../{name}")
    for name in _OFF:
        _link(etc / "systemd/system" / name, "/dev/null")
    # it would change owner and mode of /dev/kvm and /dev/net/tun, which are the carrying machine's own nodes
    _link(etc / "tmpfiles.d/static-nodes-permissions.conf", "/dev/null")


def _host_key(site: Site) -> Path:
    return site.dell / "ssh_host_ed25519_key"


def _public(key: Path) -> Path:
    return key.with_name(f"{key.name}.pub")


def _write(path: Path, text: str, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=mode)
    path.write_text(text)


def _link(path: Path, target: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)
