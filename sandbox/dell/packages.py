"""Debian packages the sandbox host needs: on the machine that carries it, and inside its image."""

HOST_PACKAGES = (
    "busybox-static",
    "ca-certificates",
    "debian-archive-keyring",
    "debootstrap",
    "e2fsprogs",
    "genisoimage",
    "iperf3",
    "iproute2",
    "nftables",
    "openssh-client",
    "procps",
    "secilc",
    "systemd-container",
    "util-linux",
    "wget",
    "xsltproc",
)
"""On the machine that carries the sandbox. Some only a fresh minimal Debian lacks."""

IMAGE_PACKAGES = (
    "conntrack",
    "dbus",
    "dnsmasq-base",
    "docker.io",
    "firewalld",
    "iproute2",
    "iptables",
    "iputils-ping",
    "kmod",
    "libvirt-clients",
    "libvirt-daemon-system",
    "netcat-openbsd",
    "nftables",
    "openssh-server",
    "procps",
    "python3",
    "qemu-system-x86",
    "qemu-utils",
    "rsync",
    "systemd-sysv",
    "udev",
)
"""Inside the host: what the owner's host has, as far as Debian has it. netcat carries virsh's `qemu+ssh`."""


def host_packages() -> tuple[str, ...]:
    """Debian packages to install on the machine before `up`, sorted."""
    return HOST_PACKAGES
