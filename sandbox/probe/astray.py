"""Packets for a block of ours whose bridge is down: they follow another route, and must leave the host by none."""

import socket
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from sandbox.probe import packets
from sandbox.probe.attempts import fresh_port
from sandbox.probe.ground import Ground, fresh_key
from sandbox.probe.shots import Shot
from twinvpc.model.nodes import Node
from twinvpc.proof.expect import PLAIN_PORT

_STEP = 2
"""Bits by which the part of a block that leads astray is smaller than the block: a quarter of it."""


def routes(blocks: Iterable[IPv4Network], router: IPv4Address) -> Iterator[str]:
    """What follows `ip` on the host: a part of each block lies behind the uplink's router."""
    return (f"route add {_part(block)} via {router}" for block in blocks)


def shots(ground: Ground, blocks: Iterable[IPv4Network], outside: Path) -> Iterator[Shot]:
    """From each segment, and from whoever else is not on the uplink, to the part of each block that leads astray.

    Args:
        ground: the measured world; its host has the routes above.
        blocks: all blocks of ours, those of removed segments included.
        outside: file of the namespace behind the uplink.
    """
    strangers = [node.value for node in (Node.DOCKER0, Node.TAILNET) if node in ground.stands]
    for block in blocks:
        target = _part(block)[1]
        for source in (*ground.segments, *strangers):
            sender, key = ground.stands[source], fresh_key()
            if sender.address in block:  # a neighbour is looked for on the bridge, and the host is not asked
                continue
            datagram = packets.udp(sender.address, target, (fresh_port(), PLAIN_PORT), key)
            whole = packets.ipv4(sender.address, target, socket.IPPROTO_UDP, datagram)
            yield Shot(f"{source} → {target}, its bridge down", sender.netns, outside, (whole,), key, arrives=False)


def _part(block: IPv4Network) -> IPv4Network:
    """The third quarter: guests of the lab have addresses in the last, router addresses are in the first."""
    return list(block.subnets(prefixlen_diff=_STEP))[2]
