"""Machines for the sandbox host's libvirt: a cloud image of Debian 12, made from packages alone."""

from sandbox.guest.image import ensure

__all__ = ["ensure"]
