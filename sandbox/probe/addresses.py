"""Addresses of the host that are none of a guest's business, and ports that Docker publishes on them."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from ipaddress import IPv4Address

from sandbox.probe import packets
from sandbox.probe.attempts import fresh_port
from sandbox.probe.ground import Ground, Try, fresh_key
from sandbox.probe.measure import measure
from sandbox.probe.namespaces import run_inside
from sandbox.probe.pace import CALM, Pace
from sandbox.probe.shots import Shot
from sandbox.probe.stands import Stand
from twinvpc.model.nodes import Node
from twinvpc.model.services import Protocol
from twinvpc.proof.expect import PLAIN_PORT
from twinvpc.proof.probes import Observation, Probe

_OPEN, _CLOSED, _ARRIVED = "open", "closed", "arrived without an answer"
_DNS = ((Protocol.TCP, packets.DNS_PORT), (Protocol.UDP, packets.DNS_PORT))


def tries(ground: Ground, pace: Pace = CALM) -> tuple[Try, ...]:
    """From each segment to every IPv4 address of the host but its own router address: ICMP, DNS, sshd, a plain port.

    Also sshd on the own router address, which only some segments may reach, and on the uplink from the LAN: there it
    must be open, so that closed is not merely an sshd that is down.
    """
    bridges = {bridge: segment for segment, bridge in ground.bridges.items()}
    stands = dict(ground.stands)
    intended: dict[Probe, bool] = {}
    ssh = (Protocol.TCP, ground.ssh_port)
    for address, link in _addresses(ground).items():
        node = f"host's address {address} on {link}"
        stands[node] = _stand(ground, node, address, serves_names=link in bridges)
        for segment in ground.segments:
            if bridges.get(link) != segment:
                for service in ((Protocol.ICMP, 0), *_DNS, ssh, (Protocol.TCP, PLAIN_PORT), (Protocol.UDP, PLAIN_PORT)):
                    intended[Probe(segment, node, *service)] = False
    for segment in ground.segments:
        for service in ((Protocol.ICMP, 0), *_DNS, ssh):
            probe = Probe(segment, Node.HOST.value, *service)
            intended[probe] = ground.matrix.cell(segment, Node.HOST).allows(*service)
    intended[Probe(Node.LAN.value, Node.HOST.value, *ssh)] = True
    return tuple(_try(seen, expected=intended[seen.probe]) for seen in measure(intended, stands, pace))


def published(ground: Ground) -> Iterator[Shot]:
    """The port that Docker publishes, on every address of the host: from each segment, and from the LAN, which may."""
    if ground.published is None:
        return
    container, lan, port = ground.stands[Node.DOCKER0], ground.stands[Node.LAN], ground.published
    for segment in ground.segments:
        sender = ground.stands[segment]
        arrives = ground.matrix.cell(segment, Node.DOCKER0).allows(Protocol.TCP, ground.container_port)
        yield _syn(f"{segment} → the container", sender, container, ground.container_port, arrives=arrives)
        for address, link in _addresses(ground).items():
            end = replace(container, address=address)
            yield _syn(f"{segment} → published on {address} ({link})", sender, end, port, arrives=arrives)
    uplink = replace(container, address=ground.stands[Node.HOST].address)
    yield _syn(f"{lan.node} → published on {uplink.address}", lan, uplink, port, arrives=True)


def _syn(name: str, sender: Stand, target: Stand, port: int, *, arrives: bool) -> Shot:
    key = fresh_key(4)
    syn = packets.tcp_syn(sender.address, target.address, (fresh_port(), port), int.from_bytes(key, "big"))
    whole = packets.ipv4(sender.address, target.address, 6, syn)
    return Shot(f"{name} tcp/{port}", sender.netns, target.netns, (whole,), key, arrives)


def _addresses(ground: Ground) -> Mapping[IPv4Address, str]:
    """Every IPv4 address of the host and the link it is on."""
    links = json.loads(run_inside(ground.host, "ip", "-json", "-4", "address", "show"))
    return {
        IPv4Address(one["local"]): str(link["ifname"])
        for link in links
        if link["ifname"] != "lo"
        for one in link["addr_info"]
    }


def _stand(ground: Ground, node: str, address: IPv4Address, *, serves_names: bool) -> Stand:
    """The host on one of its addresses; dnsmasq is on bridges only, sshd everywhere."""
    services = ground.stands[Node.HOST].services
    return Stand(node, ground.host, address, services=services if serves_names else services - set(_DNS))


def _try(seen: Observation, *, expected: bool) -> Try:
    measured = _OPEN if seen.open else _ARRIVED if seen.arrived else _CLOSED
    return Try(str(seen.probe), _OPEN if expected else _CLOSED, measured, seen.detail)
