"""The sandbox host `dell`: Debian 12 with libvirt, Docker and firewalld in a container, on a LAN of its own."""

from sandbox.dell.lifecycle import down, up
from sandbox.dell.packages import host_packages
from sandbox.dell.site import SandboxDownError, SandboxError
from sandbox.dell.world import Place, World, current, in_dell, in_laptop, reboot, settled

__all__ = [
    "Place",
    "SandboxDownError",
    "SandboxError",
    "World",
    "current",
    "down",
    "host_packages",
    "in_dell",
    "in_laptop",
    "reboot",
    "settled",
    "up",
]
