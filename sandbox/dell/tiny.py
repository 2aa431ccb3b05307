"""The smallest machine that takes part in a network: Debian's cloud kernel and a busybox, nothing else.

It asks for a lease whenever its cable was pulled, as a network manager does; it answers pings, and HTTP on `PORT`: its
name at `/`, and what a line of shell prints that is posted to `SHELL`. No disk, and no secret in it.
"""

import gzip
import io
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from sandbox.command import progress, run
from sandbox.debian import locked
from sandbox.dell.site import SandboxError
from sandbox.paths import cache_dir, content_key

PORT = 7070
SHELL = "/cgi-bin/shell"
_PACKAGE = "linux-image-cloud-amd64"
_MODULES = (
    "drivers/virtio/virtio_ring",
    "drivers/virtio/virtio",
    "drivers/virtio/virtio_pci_legacy_dev",
    "drivers/virtio/virtio_pci_modern_dev",
    "drivers/virtio/virtio_pci",
    "net/core/failover",
    "drivers/net/net_failover",
    "drivers/net/virtio_net",
)
"""In the order in which they can be loaded."""

_INIT = f"""#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /sbin /usr/bin /usr/sbin
/bin/busybox --install -s
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
for module in {" ".join(name.rpartition("/")[2] for name in _MODULES)}; do insmod /$module.ko; done
name=$(sed -n 's/.*twin.name=\\([a-z0-9-]*\\).*/\\1/p' /proc/cmdline)
hostname "$name"
ip link set lo up
ip link set eth0 up
mkdir -p /www/cgi-bin
echo "$name" >/www/index.html
printf '#!/bin/sh\nprintf "Content-Type: text/plain\\r\\n\\r\\n"\nread -r line\neval "$line" 2>&1\n' >/www{SHELL}
chmod 755 /www{SHELL}
httpd -p {PORT} -h /www
seen=
while :; do
    now=$(cat /sys/class/net/eth0/carrier_changes)
    if [ "$now" != "$seen" ] && [ "$(cat /sys/class/net/eth0/carrier)" = 1 ]; then
        udhcpc -i eth0 -n -q -t 6 -T 3 -s /lease -x hostname:"$name" && seen=$now
    fi
    sleep 1
done
"""
_LEASE = """#!/bin/busybox sh
[ "$1" = bound ] || [ "$1" = renew ] || exit 0
ip address flush dev eth0
ip address add "$ip/$mask" dev eth0
[ -z "$router" ] || ip route add default via "$router" dev eth0
"""


def ensure() -> tuple[Path, Path]:
    """Kernel and initial RAM disk, from the cache or made now.

    Raises:
        CommandError: apt or dpkg failed; the message holds what it said.
        SandboxError: the kernel's package is not what it used to be.
    """
    said = run("apt-cache", "depends", "--important", _PACKAGE)
    found = re.search(r"Depends: (linux-image-\S+)", said)
    if not found:
        raise SandboxError(f"apt knows no {_PACKAGE}; `apt-get update`, then try again")
    made = cache_dir() / "tiny" / content_key(found[1], _INIT, _LEASE, *_MODULES)
    with locked(made.with_suffix(".lock")):
        if not made.exists():
            progress(f"the tiny machine's kernel: {found[1]}")
            partial = made.with_suffix(".partial")
            shutil.rmtree(partial, ignore_errors=True)
            _build(partial, found[1])
            partial.rename(made)
    return made / "vmlinuz", made / "initrd"


def _build(folder: Path, package: str) -> None:
    unpacked = folder / "unpacked"
    unpacked.mkdir(parents=True)
    run("apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", package, cwd=folder)
    (archive,) = folder.glob("*.deb")
    run("dpkg-deb", "--extract", archive, unpacked)
    (kernel,) = (unpacked / "boot").glob("vmlinuz-*")
    (modules,) = (unpacked / "lib/modules").glob("*/kernel")
    busybox = next((path for path in (Path("/bin/busybox"), Path("/usr/bin/busybox")) if path.exists()), None)
    if busybox is None:
        raise SandboxError("no busybox on this machine; `apt-get install busybox-static`")
    files = {f"{name.rpartition('/')[2]}.ko": (modules / f"{name}.ko").read_bytes() for name in _MODULES}
    files |= {"init": _INIT.encode(), "lease": _LEASE.encode(), "bin/busybox": busybox.read_bytes()}
    (folder / "initrd").write_bytes(gzip.compress(_cpio(files), mtime=0))
    kernel.rename(folder / "vmlinuz")
    shutil.rmtree(unpacked)
    archive.unlink()


def _cpio(files: Mapping[str, bytes]) -> bytes:
    """An archive in the form that the kernel unpacks (`newc`, Documentation/driver-api/early-userspace)."""
    buffer = io.BytesIO()
    entries = [("bin", 0o040755, b""), *((name, 0o100755, data) for name, data in sorted(files.items()))]
    for number, (name, mode, data) in enumerate([*entries, ("TRAILER!!!", 0, b"")], start=1):
        encoded = name.encode() + b"\0"
        fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(encoded), 0)
        header = b"070701" + b"".join(b"%08x" % field for field in fields) + encoded
        buffer.write(header + b"\0" * (-len(header) % 4) + data + b"\0" * (-len(data) % 4))
    return buffer.getvalue()
