"""Names in network.yaml, and its segments against those of a stack. Returns problems, changes nothing."""

from collections import Counter
from collections.abc import Iterator
from ipaddress import IPv4Network

from twinvpc.model.aws import ENDPOINTS, NAT, AwsStack
from twinvpc.model.check_flows import check_flows
from twinvpc.model.libvirt import LibvirtStack
from twinvpc.model.network import Network
from twinvpc.model.nodes import FIXED_NODES
from twinvpc.model.problems import Problem
from twinvpc.model.source import Source

PRIVATE = (IPv4Network("10.0.0.0/8"), IPv4Network("172.16.0.0/12"), IPv4Network("192.168.0.0/16"))
"""Addresses for networks that are not the Internet (RFC 1918)."""


def check_network(network: Network, source: Source) -> Iterator[Problem]:
    """Names, references and the block of network.yaml.

    Args:
        network: what was sound in the file.
        source: the file, for names of items that were not sound.
    """
    for name in network.segments:
        if name in FIXED_NODES:
            what = f"a segment called `{name}`"
            yield source.problem(("segments", name), what, "this is the name of a fixed node", "rename it")
    yield from _check_renames(network, source)
    yield from check_flows(network, source)
    if not is_private(network.cidr):
        what = f"{network.cidr} is not private"
        yield source.problem(("cidr",), what, "segments use RFC 1918 addresses", "choose a block of 10.0.0.0/8")


def is_private(block: IPv4Network) -> bool:
    """Whether a block lies in RFC 1918 space."""
    return any(block.subnet_of(private) for private in PRIVATE)


def _check_renames(network: Network, source: Source) -> Iterator[Problem]:
    uses = Counter(segment.renamed_from for segment in network.segments.values())
    for name, segment in network.segments.items():
        old = segment.renamed_from
        if old and (old in network.segments or uses[old] > 1):
            yield source.problem(
                ("segments", name, "renamed_from"),
                f"`{old}` cannot become `{name}`",
                "a rename takes a name that is in use nowhere else in the file",
                f"remove segment `{old}`, or remove `renamed_from`",
            )


def check_stack_segments(
    stack: LibvirtStack | AwsStack, stack_source: Source, network_source: Source
) -> Iterator[Problem]:
    """Every segment of network.yaml has its addresses, and no other segment has any, nor a way out."""
    there = network_source.names("segments")
    if there is None:  # told already
        return
    for section in ("segments",) if isinstance(stack, LibvirtStack) else ("subnets", "egress"):
        for name in sorted((stack_source.names(section) or frozenset()) - there):
            what, rule = f"`{name}` is no segment", "segments are named in network.yaml"
            yield stack_source.problem((section, name), what, rule, "remove it, or add it there")
    if not isinstance(stack, LibvirtStack):
        for name in sorted(there & {NAT, ENDPOINTS}):
            what, rule = f"a segment called `{name}`", "on AWS this is the name of subnets that belong to no segment"
            yield network_source.problem(("segments", name), what, rule, "rename it")
        return
    here = stack_source.names("segments")
    for name in sorted(there - here) if here is not None else ():
        what, rule = f"segment `{name}` has no addresses here", "every segment of network.yaml lies somewhere"
        yield stack_source.problem(("segments", name), what, rule, f"add `segments.{name}`")
