"""How libvirt on the host is reached."""

from pathlib import Path
from urllib.parse import urlencode

import pulumi
import pulumi_libvirt as libvirt

from components.host.access import LOCAL
from twinvpc.model.libvirt import Host


def uri(host: Host) -> str:
    """The connection URI (libvirt.org/uri.html), with the parameters that the provider's own SSH client knows.

    Paths are expanded here: the provider expands `~` in `keyfile` but not in `knownhosts` (libvirt/uri/ssh.go).
    """
    if host.address == LOCAL:
        return "qemu:///system"
    parameters = {
        "keyfile": Path(host.key_file).expanduser(),
        "sshauth": "privkey",
        "knownhosts": Path(host.known_hosts).expanduser(),
    }
    return f"qemu+ssh://{host.user}@{host.address}:{host.port}/system?{urlencode(parameters, safe='/')}"


def provider(name: str, host: Host, opts: pulumi.ResourceOptions | None = None) -> libvirt.Provider:
    """The libvirt provider, bound to one host."""
    return libvirt.Provider(name, uri=uri(host), opts=opts)
