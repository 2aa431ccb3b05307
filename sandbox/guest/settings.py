"""What makes a tree of packages a cloud image: no user, no key, no name of its own; cloud-init brings them all."""

from pathlib import Path

PACKAGES = (
    "cloud-guest-utils",
    "cloud-init",
    "dbus",
    "e2fsprogs",
    "fdisk",
    "initramfs-tools",
    "iproute2",
    "iputils-ping",
    "kmod",
    "libnss-resolve",
    "linux-image-cloud-amd64",
    "netcat-openbsd",
    "netplan.io",
    "openssh-server",
    "procps",
    "sudo",
    "systemd-resolved",
    "systemd-sysv",
    "udev",
)
"""As in Debian's own cloud images, as far as a machine of the sandbox needs it."""

BOOT_PACKAGES = ("grub-common", "grub-pc-bin")
"""To make the disk's boot loader; not in the image."""

LABEL = "root"

_CLOUD = """# NoCloud is a small disk beside this one; with none, nothing is set up.
datasource_list: [NoCloud, None]
# An RSA key takes an emulated processor a minute.
ssh_genkeytypes: [ed25519]
# The partition reaches beyond the disk's end already; only the file system grows.
growpart: {mode: "off"}
cloud_init_modules:
  [seed_random, bootcmd, write-files, resizefs, disk_setup, mounts, set_hostname, update_etc_hosts, users-groups, ssh]
cloud_config_modules: [set-passwords, timezone, runcmd]
cloud_final_modules: [write-files-deferred, scripts-per-boot, scripts-per-instance, scripts-user, power-state-change]
system_info:
  network:
    renderers: [netplan]
"""
"""What no module lists is what an image from packages cannot need, e.g. other distributions' package tools."""

_JOURNAL = """[Journal]
Storage=volatile
"""

_PATIENT = {
    "systemd/system.conf.d/10-image.conf": "[Manager]\nDefaultTimeoutStartSec=15min\nDefaultDeviceTimeoutSec=15min\n",
    "systemd/system/service.d/10-image.conf": "[Service]\nWatchdogSec=0\n",
}
"""An emulated processor on a busy machine is slow, and nothing else is wrong."""

_FILES = {
    **_PATIENT,
    "cloud/cloud.cfg.d/90-image.cfg": _CLOUD,
    "fstab": f"LABEL={LABEL} / ext4 rw,relatime,errors=remount-ro 0 0\n",
    "hostname": "localhost\n",
    "hosts": "127.0.0.1 localhost\n::1 localhost\n",
    "initramfs-tools/conf.d/small": "MODULES=list\nCOMPRESS=gzip\n",
    "initramfs-tools/modules": "virtio_pci\nvirtio_blk\nvirtio_scsi\nsd_mod\ncrc32c_generic\n",
    "machine-id": "",
    "systemd/journald.conf.d/10-image.conf": _JOURNAL,
}

_ON = ("systemd-networkd.service", "systemd-resolved.service", "ssh.service")

_OFF = (
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "cloud-init-hotplugd.socket",
    "dev-hugepages.mount",
    "dev-mqueue.mount",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "fstrim.timer",
    "getty-static.service",
    "getty@tty1.service",
    "modprobe@configfs.service",
    "modprobe@dm_mod.service",
    "modprobe@drm.service",
    "modprobe@fuse.service",
    "modprobe@loop.service",
    "proc-sys-fs-binfmt_misc.automount",
    "serial-getty@ttyS0.service",
    "sys-fs-fuse-connections.mount",
    "sys-kernel-config.mount",
    "sys-kernel-debug.mount",
    "sys-kernel-tracing.mount",
    "systemd-binfmt.service",
    "systemd-modules-load.service",
    "systemd-network-generator.service",
    "systemd-pstore.service",
    "systemd-update-utmp.service",
    "systemd-update-utmp-runlevel.service",
)
"""Units that a machine of an hour does not miss; on an emulated processor each costs seconds."""


def write(root: Path) -> None:
    """Write the image's settings into its tree."""
    for name, text in _FILES.items():
        path = root / "etc" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    resolver = root / "etc/resolv.conf"
    resolver.unlink(missing_ok=True)
    resolver.symlink_to("../run/systemd/resolve/stub-resolv.conf")


def units() -> str:
    """A shell script for the tree that starts and stops units as the image wants them."""
    return f"systemctl -q enable {' '.join(_ON)}; systemctl -q mask {' '.join(_OFF)}"


def recipe() -> tuple[str, ...]:
    """Everything here that decides what the image holds."""
    return (*PACKAGES, *BOOT_PACKAGES, LABEL, *map(str, _FILES.items()), *_ON, *_OFF)
