"""AWS's limits, held against what is to be made before anything is: an account that refuses half of it is worse."""

from collections.abc import Iterator

from twinvpc.model.aws import NAT, Egress, Quotas
from twinvpc.model.problems import Problem
from twinvpc.policy.aws import AwsDesign
from twinvpc.policy.aws_groups import Direction

_ASK = "have AWS raise the quota, and say so in `twin-vpc:quotas.{}`"


def excess(design: AwsDesign, quotas: Quotas, file: str) -> Iterator[Problem]:
    """Every limit that is exceeded, with what counts against it.

    Args:
        design: what is to be made.
        quotas: the account's limits.
        file: the stack file, where the limits are said.
    """
    yield from _in_groups(design, quotas, file)
    yield from _in_acls(design, quotas, file)
    subnets = [subnet for acl in design.acls for subnet in acl.subnets]
    nats = [subnet.zone for subnet in subnets if subnet.segment == NAT]
    fewer, one = "use fewer zones or segments", "set `twin-vpc:nat` to one"
    # The VPC brings a table and an ACL of its own, which count although they are empty.
    acls, tables = len(design.acls) + 1, len(design.tables) + 1
    counts = (
        ("subnets", len(subnets), quotas.subnets, "subnets", fewer),
        ("acls", acls, quotas.acls, "network ACLs, the VPC's own among them", fewer),
        ("route_tables", tables, quotas.route_tables, "route tables, the VPC's own among them", one),
        ("elastic_ips", len(nats), quotas.elastic_ips, f"elastic addresses, for NAT in {_named(nats)}", one),
    )
    for key, count, limit, what, instead in counts:
        if count > limit:
            yield _problem(file, key, f"{count} {what}", limit, instead)
    for table in design.tables:
        count = 1 + (table.way is not Egress.NONE)
        if count > quotas.routes:
            yield _problem(file, "routes", f"{count} routes of `{table.name}`", quotas.routes, "set its egress to none")


def _in_groups(design: AwsDesign, quotas: Quotas, file: str) -> Iterator[Problem]:
    for group in design.groups:
        for direction in Direction:
            rules = group.of(direction)
            if len(rules) > quotas.group_rules:
                peers = sorted({rule.opener if direction is Direction.INGRESS else rule.opened for rule in rules})
                what = f"{len(rules)} {direction} rules of security group `{group.name}` ({_named(peers)})"
                instead = "name ranges of ports instead of single ones, or `any`, in network.yaml"
                yield _problem(file, "group_rules", what, quotas.group_rules, instead)


def _in_acls(design: AwsDesign, quotas: Quotas, file: str) -> Iterator[Problem]:
    for acl in design.acls:
        for direction in Direction:
            entries = acl.of(direction)
            count = len(entries) + 1
            if count > quotas.acl_entries:
                services = sorted({str(entry.service) for entry in entries if entry.allow})
                what = f"{count} {direction} entries of network ACL `{acl.name}` ({_named(services)}; AWS's own counts)"
                instead = "name ranges of ports, or give segments with equal flows blocks beside each other"
                yield _problem(file, "acl_entries", what, quotas.acl_entries, instead)


_MOST_NAMED = 6


def _named(some: list[str]) -> str:
    more = f" and {len(some) - _MOST_NAMED} more" if len(some) > _MOST_NAMED else ""
    return ", ".join(some[:_MOST_NAMED]) + more


def _problem(file: str, key: str, what: str, limit: int, instead: str) -> Problem:
    return Problem(
        file, f"quotas.{key}", what, f"the account has room for {limit}", f"{instead}; or {_ASK.format(key)}"
    )
