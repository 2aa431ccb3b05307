"""What a new machine is told at its first boot (cloudinit.readthedocs.io, data source NoCloud).

Everything is written as JSON, which is YAML as well and quotes whatever stands in a key's comment. There are no secrets
in it: whoever reads the disk finds public keys.
"""

import json
from dataclasses import dataclass
from hashlib import sha256

from twinvpc.addressing.plan import MachinePlan, SegmentPlan
from twinvpc.model.machines import Image, Machine

DATA_DISK = "data"
"""Serial number of the data disk, by which the guest finds it: /dev/disk/by-id/virtio-data."""

MOUNT_POINT = "/data"
"""Where the guest mounts its data disk."""

_INTERFACE = "eth0"
_DEVICE = f"/dev/disk/by-id/virtio-{DATA_DISK}"
_NAMED_BY = 12  # digits of the digest in names: 48 bits, and a machine has but one at a time


@dataclass(frozen=True)
class Birth:
    """What a machine is born with. Another birth is another root disk; the data disk is none of it.

    Attributes:
        instance: the machine's name and a digest of all that follows, of its image and of its disk's size.
        user_data: users, keys, names, sshd.
        network_config: its interface.
    """

    instance: str
    user_data: str
    network_config: str
    meta_data: str


def birth(machine: Machine, image: Image, place: MachinePlan, segment: SegmentPlan, domain: str) -> Birth:
    """Everything that a machine's first boot reads.

    Args:
        machine: as the owner says it.
        image: what its root disk starts as.
        place: its name, address, MAC and port.
        segment: the segment that it stands in.
        domain: DNS domain of all segments.
    """
    user_data = f"#cloud-config\n{_json(_user_data(machine, place, domain))}"
    network_config = _json(_network_config(place, segment, domain))
    parts = (image.sha256, str(machine.disk.octets), user_data, network_config)
    digest = sha256("\0".join(parts).encode()).hexdigest()[:_NAMED_BY]
    instance = f"{place.name}-{digest}"
    return Birth(instance, user_data, network_config, _json({"instance-id": instance, "local-hostname": place.name}))


def _user_data(machine: Machine, place: MachinePlan, domain: str) -> dict[str, object]:
    said: dict[str, object] = {
        "hostname": place.name,
        "fqdn": f"{place.name}.{domain}",
        "ssh_pwauth": False,
        "disable_root": True,
        "users": [
            {
                "name": machine.user,
                "shell": "/bin/bash",
                "lock_passwd": True,
                "sudo": "ALL=(ALL) NOPASSWD:ALL",
                "ssh_authorized_keys": list(machine.keys),
            }
        ],
        "write_files": [{"path": "/etc/ssh/sshd_config.d/10-twin-vpc.conf", "content": _sshd(place.ssh_port)}],
        "bootcmd": [["sh", "-c", _before_sshd(place.ssh_port)]],
        "runcmd": [["sh", "-c", _sshd_only_there(place.ssh_port)]],
    }
    if machine.data is not None:
        said["bootcmd"] = [["sh", "-c", _FORMAT], ["sh", "-c", _before_sshd(place.ssh_port)]]
        said["mounts"] = [[_DEVICE, MOUNT_POINT, "auto", "defaults,nofail,x-systemd.device-timeout=30", "0", "2"]]
    return said


def _sshd(port: int) -> str:
    """A drop-in that is read before all others: of most settings sshd keeps the first (sshd_config(5))."""
    return "\n".join(
        [
            "# Written by twin-vpc when the machine was made.",
            f"Port {port}",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            "PermitRootLogin no",
            "AuthenticationMethods publickey",
            "",
        ]
    )


_LOOKED = "/var/lib/twin-vpc-data-disk"
"""On the root disk, so another instance looks once more."""
_FORMAT = f"""\
disk={_DEVICE}
leave() {{
  echo "twin-vpc: the data disk $disk is left as it is: $1" >/dev/console
  exit 0
}}
zero() {{
  cmp -s -i "$1:0" -n "$2" $disk /dev/zero
}}
blank() {{
  size=$(blockdev --getsize64 $disk) && test "$size" -ge 1048576 || return 1
  test "$size" -gt 1073741824 || {{ zero 0 "$size"; return; }}
  zero 0 16777216 && zero $((size - 16777216)) 16777216 || return 1
  for at in 1 3 5 7 9 25 27 49; do
    at=$((at * 134217728))
    test "$at" -ge $((size - 16777216)) || zero "$at" 4096 || return 1
  done
  at=0
  while test "$at" -lt 256; do
    zero $((size / 256 * at)) 1048576 || return 1
    at=$((at + 1))
  done
}}
udevadm settle --timeout=30 || true
test -b $disk || exit 0
blkid -p $disk >/dev/null 2>&1
case $? in
0) : >{_LOOKED} ; exit 0 ;;
2) ;;
*) leave 'blkid(8) cannot tell what it holds' ;;
esac
test ! -e {_LOOKED} || leave 'it held a file system, and none is found there now'
blank || leave 'no file system is found there, but it is not empty, or cannot be read'
: >{_LOOKED} && mkfs.ext4 -q -L {DATA_DISK} $disk || leave 'it could not be formatted'"""
"""Formats a data disk that is as new: nothing is recognised, and nothing but zeros is read.

blkid(8) ends with 2 where it recognises nothing, which is also what it says of a damaged file system, of raw data and
of a disk that it cannot read. So a disk up to 1 GiB is read whole; of a larger one the head, the tail, the places where
ext4 keeps copies of its first block, and 1 MiB of every 256th part. `cmp` fails where a read does. Once there was a
file system, this instance never formats again.
"""


def _before_sshd(port: int) -> str:
    """Runs at every boot before sshd does.

    Ubuntu opens port 22 by a socket unit, whatever sshd's settings say. SELinux lets sshd bind ports of its own type
    only; where `semanage` is missing, a module in the policy's own language says the same.
    """
    return f"""\
if systemctl cat ssh.socket >/dev/null 2>&1; then
  systemctl mask --now ssh.socket
  rm -f /etc/systemd/system/ssh.service.d/00-socket.conf
  systemctl enable ssh.service
fi
if command -v selinuxenabled >/dev/null && selinuxenabled; then
  if command -v semanage >/dev/null; then
    semanage port -a -t ssh_port_t -p tcp {port} || semanage port -m -t ssh_port_t -p tcp {port}
  else
    echo '(portcon tcp {port} (system_u object_r ssh_port_t ((s0) (s0))))' >/run/twin-vpc-ssh.cil
    semodule -i /run/twin-vpc-ssh.cil
  fi
fi
if command -v firewall-offline-cmd >/dev/null; then
  firewall-offline-cmd --add-port={port}/tcp
fi
exit 0"""


def _sshd_only_there(port: int) -> str:
    """Runs once, after everything: `Port` adds up, so whoever else names one is silenced, and no sshd beats port 22."""
    return f"""\
for file in /etc/ssh/sshd_config /etc/ssh/sshd_config.d/*.conf; do
  case $file in */10-twin-vpc.conf) continue ;; esac
  test ! -f "$file" || sed -i -E 's/^[[:space:]]*(Port|ListenAddress)[[:space:]]/#&/I' "$file"
done
mkdir -p /run/sshd
unit=ssh
systemctl cat ssh.service >/dev/null 2>&1 || unit=sshd
if test "$(sshd -T 2>/dev/null | grep -i '^port ')" = 'port {port}'; then
  systemctl restart $unit
else
  systemctl disable --now $unit
  echo 'twin-vpc: sshd would not listen on port {port} alone, so it is stopped' >/dev/console
fi"""


def _network_config(place: MachinePlan, segment: SegmentPlan, domain: str) -> dict[str, object]:
    """Version 2, with the interface found by its MAC and named, so that every renderer of cloud-init can write it.

    The domain is said even where a lease says it: systemd-resolved asks a DNS server for names in `.local` only if the
    interface names the domain, and systemd-networkd does not take it from a lease.
    """
    nameservers = {"addresses": [str(segment.router)], "search": [domain]}
    interface: dict[str, object] = {
        "match": {"macaddress": place.mac}, "set-name": _INTERFACE, "nameservers": nameservers,
    }  # fmt: skip
    if segment.dhcp is not None:
        interface["dhcp4"] = True
    else:
        own = f"{place.address}/{segment.cidr.prefixlen}"
        interface |= {
            "dhcp4": False,
            "addresses": [own],
            "routes": [{"to": "0.0.0.0/0", "via": str(segment.router)}],
        }
    return {"version": 2, "ethernets": {_INTERFACE: interface}}


def _json(value: dict[str, object]) -> str:
    return json.dumps(value, indent=2, sort_keys=True) + "\n"
