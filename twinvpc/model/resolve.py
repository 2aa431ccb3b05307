"""Names of services into services."""

from collections.abc import Iterable, Mapping

from twinvpc.model.services import Protocol, Service, parse_service

HOST_SSH = "host-ssh"
"""The port of the host's own sshd, which only the stack knows."""

RESERVED_SERVICES = frozenset({HOST_SSH, *(protocol.value for protocol in Protocol)})
"""Words that mean a service already; a name of the owner's that shadowed one would change what flows say."""


def resolve(names: Iterable[str], defined: Mapping[str, tuple[str, ...]], *, ssh_port: int) -> tuple[Service, ...]:
    """Turn services as written into services, sorted and without repetition.

    Args:
        names: as the owner wrote them.
        defined: `services` of network.yaml; names may not stand for names.
        ssh_port: what `host-ssh` means here.

    Raises:
        Rejected: a name that is not defined, or defined by another name.
    """
    services: set[Service] = set()
    for name in names:
        if name == HOST_SSH:
            services.add(Service(Protocol.TCP, ssh_port, ssh_port))
        elif name in defined and name not in RESERVED_SERVICES:
            services.update(parse_service(text) for text in defined[name])
        else:
            services.add(parse_service(name))
    return tuple(sorted(services))
