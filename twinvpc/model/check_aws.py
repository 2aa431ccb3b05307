"""Blocks and zones of an AWS stack. Returns problems, changes nothing."""

from collections import Counter
from collections.abc import Iterator

from twinvpc.model.aws import LARGEST_BLOCK, SMALLEST_BLOCK, AwsStack, Egress
from twinvpc.model.check_libvirt import overlapping
from twinvpc.model.network import Network
from twinvpc.model.problems import Problem, Rejected
from twinvpc.model.resolve import resolve
from twinvpc.model.services import Protocol, Service
from twinvpc.model.source import Source

UNKNOWN_REGION, UNKNOWN_ZONE = "xx-unknown-0", "xx-unknown-0a"
"""What stands in for a region or for zones that could not be read; nothing is judged by them."""

HTTPS = Service(Protocol.TCP, 443, 443)
"""What every endpoint of AWS listens on."""

_MOST_RULES = 1000
_SIZES = f"AWS takes /{LARGEST_BLOCK} to /{SMALLEST_BLOCK} (Amazon VPC user guide)"


def check_aws(stack: AwsStack, network: Network | None, source: Source) -> Iterator[Problem]:
    """Blocks and zones of an AWS stack, among themselves and inside network.yaml's block.

    Args:
        stack: what was sound in the stack file.
        network: what was sound in network.yaml, or None if that could not be read.
        source: the stack file, for lines.
    """
    vpc = stack.vpc_cidr
    if not LARGEST_BLOCK <= vpc.prefixlen <= SMALLEST_BLOCK:
        yield source.problem(("vpc_cidr",), f"{vpc} has no size of a VPC", _SIZES, "choose another prefix length")
    if network is not None and not vpc.subnet_of(network.cidr):
        what, rule = f"{vpc} lies outside {network.cidr}", "the VPC is cut from network.yaml's `cidr`"
        yield source.problem(("vpc_cidr",), what, rule, f"choose {network.cidr} or a part of it")
    if stack.subnet_prefix < vpc.prefixlen:
        what, rule = f"a /{stack.subnet_prefix} does not fit into {vpc}", "subnets are parts of the VPC"
        yield source.problem(("subnet_prefix",), what, rule, "choose a longer prefix")
    yield from _check_zones(stack, source)
    yield from _check_pins(stack, source)
    together = stack.quotas.group_rules * stack.quotas.groups_per_interface
    if together > _MOST_RULES:
        what = f"{stack.quotas.group_rules} rules a group, {stack.quotas.groups_per_interface} groups an interface"
        rule = f"AWS allows an interface {_MOST_RULES} rules in all: the one quota times the other"
        yield source.problem(("quotas",), what, rule, "lower `groups_per_interface`")


def check_egress(stack: AwsStack, network: Network, source: Source) -> Iterator[Problem]:
    """No way out for a segment that network.yaml closes.

    Args:
        stack: what was sound in the stack file.
        network: network.yaml, sound as a whole.
        source: the stack file, for lines.
    """
    for name, way in stack.egress.items():
        if way is Egress.NONE or name not in network.segments:
            continue
        switch, where = network.segments[name].internet_services, ("egress", name)
        if not switch:
            what, rule = f"egress `{way}` of `{name}`", f"network.yaml closes the Internet for `{name}`"
            yield source.problem(where, what, rule, f"write none, or open `segments.{name}.internet` there")
        elif way is Egress.ENDPOINTS and not _opens_https(switch, network):
            what, rule = f"egress `{way}` of `{name}`", f"endpoints answer on {HTTPS}; `{name}` may not open that"
            yield source.problem(where, what, rule, f"add {HTTPS} to `segments.{name}.internet` in network.yaml")


def _opens_https(switch: tuple[str, ...], network: Network) -> bool:
    try:
        services = resolve(switch, network.services, ssh_port=0)
    except Rejected:  # told where the switch stands
        return True
    return any(
        one.protocol is Protocol.ANY or (one.protocol is HTTPS.protocol and one.first <= HTTPS.first <= one.last)
        for one in services
    )


def _check_zones(stack: AwsStack, source: Source) -> Iterator[Problem]:
    for zone, times in Counter(stack.zones).items():
        if times > 1:
            what, rule = f"zone {zone} is named {times} times", "a segment has one subnet in a zone"
            yield source.problem(("zones",), what, rule, "name it once")
        if stack.aws_region not in {zone[:-1], UNKNOWN_REGION} and zone != UNKNOWN_ZONE:
            what, rule = f"zone {zone} lies outside {stack.aws_region}", "a VPC lies in one region"
            yield source.problem(("zones",), what, rule, "correct the zone or `aws_region`")


def _check_pins(stack: AwsStack, source: Source) -> Iterator[Problem]:
    pins = [(name, zone, block) for name, zones in stack.subnets.items() for zone, block in zones.items()]
    for name, zone, block in pins:
        where = ("subnets", name, zone)
        if zone not in stack.zones and UNKNOWN_ZONE not in stack.zones:
            what, rule = f"zone {zone} of `{name}` is not in use", f"`zones` are {', '.join(stack.zones)}"
            yield source.problem(where, what, rule, f"remove the pin, or add {zone} to `zones`")
        if not LARGEST_BLOCK <= block.prefixlen <= SMALLEST_BLOCK:
            yield source.problem(where, f"{block} has no size of a subnet", _SIZES, "choose another prefix length")
        if not block.subnet_of(stack.vpc_cidr):
            what, rule = f"{block} lies outside {stack.vpc_cidr}", "subnets are parts of the VPC"
            yield source.problem(where, what, rule, f"choose a block inside {stack.vpc_cidr}")
    blocks = sorted(((f"{name}.{zone}", block) for name, zone, block in pins), key=lambda pin: (pin[1], pin[0]))
    for (one, first), (other, second) in overlapping(blocks):
        what, rule = f"{second} of `{other}` overlaps {first} of `{one}`", "subnets share no address"
        yield source.problem(("subnets", *other.split(".")), what, rule, "move one of them")
