"""The graph of a VPC from what the account says of it: answers of `describe_*`, as boto3 gives them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from twinvpc.proof.aws.by_aws import DEFAULT, MAIN
from twinvpc.proof.aws.errors import unknown
from twinvpc.proof.aws.fields import Fields
from twinvpc.proof.aws.graph import (
    Acl,
    AwsGraph,
    Endpoint,
    Entry,
    Group,
    GroupRule,
    InternetGateway,
    NatGateway,
    PeerKind,
    Route,
    RouteTable,
    RulePeer,
    Subnet,
    Target,
    TargetKind,
)
from twinvpc.proof.aws.ids import Ids
from twinvpc.proof.aws.rules import EVERY, Protocol, checked, group_rule, icmp, ports, protocol_of

Answers = Sequence[Mapping[str, object]]

_LAST_ENTRY = 32767
"""AWS's own last entry, `*`: denies all, and cannot be changed."""


@dataclass(frozen=True)
class Described:
    """What the account says, each list as its key in the answer holds it.

    Lists may hold other VPCs' things; those are left out.

    Attributes:
        vpcs: `Vpcs` of describe_vpcs.
        subnets: `Subnets` of describe_subnets.
        route_tables: `RouteTables` of describe_route_tables.
        network_acls: `NetworkAcls` of describe_network_acls.
        security_groups: `SecurityGroups` of describe_security_groups.
        security_group_rules: `SecurityGroupRules` of describe_security_group_rules.
        internet_gateways: `InternetGateways` of describe_internet_gateways.
        nat_gateways: `NatGateways` of describe_nat_gateways.
        vpc_endpoints: `VpcEndpoints` of describe_vpc_endpoints.
        prefix_lists: `PrefixLists` of describe_prefix_lists.
    """

    vpcs: Answers
    subnets: Answers
    route_tables: Answers
    network_acls: Answers
    security_groups: Answers
    security_group_rules: Answers
    internet_gateways: Answers
    nat_gateways: Answers
    vpc_endpoints: Answers
    prefix_lists: Answers


def graph(described: Described, vpc: str) -> AwsGraph:
    """Read the graph of one VPC.

    Args:
        described: what the account says.
        vpc: the VPC's id.

    Raises:
        GraphError: something is not known, or the VPC is not there.
    """
    ids = Ids(vpc)
    own = [one for one in _all("VPC", "VpcId", described.vpcs) if one.text("VpcId") == vpc]
    if not own:
        raise unknown(vpc, "a VPC that the account does not describe")
    subnets = ids.here("subnet", "SubnetId", described.subnets)
    groups = ids.here("security group", "GroupId", described.security_groups)
    tables = ids.here("route table", "RouteTableId", described.route_tables)
    acls = ids.here("network ACL", "NetworkAclId", described.network_acls)
    endpoints = ids.here("endpoint", "VpcEndpointId", described.vpc_endpoints)
    nats = ids.here("NAT gateway", "NatGatewayId", described.nat_gateways)
    gateways = [one for one in _all("gateway", "InternetGatewayId", described.internet_gateways) if _attached(one, vpc)]
    _name(ids, groups, tables, acls, gateways)
    for one in _all("prefix list", "PrefixListId", described.prefix_lists):
        ids.call(one.text("PrefixListId"), one.text("PrefixListName"))
    rules = _all("security group rule", "SecurityGroupRuleId", described.security_group_rules)
    return checked(
        AwsGraph(
            cidrs=tuple(sorted(one.block("CidrBlock") for one in own[0].parts("CidrBlockAssociationSet"))),
            subnets=tuple(sorted(_subnet(ids, one) for one in subnets)),
            tables=tuple(sorted(_table(ids, one) for one in tables)),
            acls=tuple(sorted(_acl(ids, one) for one in acls)),
            groups=_groups(ids, groups, rules),
            gateways=tuple(sorted(InternetGateway(ids.of(one, "InternetGatewayId")) for one in gateways)),
            nats=tuple(sorted(_nat(ids, one) for one in nats)),
            endpoints=tuple(sorted(_endpoint(ids, one) for one in endpoints)),
        )
    )


def _name(
    ids: Ids, groups: Iterable[Fields], tables: Iterable[Fields], acls: Iterable[Fields], gateways: Iterable[Fields]
) -> None:
    """Remember what AWS's own things are called where no tag names them, and which gateways are attached."""
    for one in groups:
        ids.name(one, "GroupId", DEFAULT if one.text("GroupName") == DEFAULT else "")
    for one in tables:
        ids.name(one, "RouteTableId", MAIN if _is_main(one) else "")
    for one in acls:
        ids.name(one, "NetworkAclId", DEFAULT if one.flag("IsDefault") else "")
    for one in gateways:
        ids.name(one, "InternetGatewayId")


def _all(what: str, name: str, answers: Answers) -> tuple[Fields, ...]:
    return tuple(Fields(f"{what} {one.get(name)}", one) for one in answers)


def _attached(one: Fields, vpc: str) -> bool:
    return any(
        part.text("VpcId") == vpc and part.text("State") in {"available", "attached"}
        for part in one.parts("Attachments")
    )


def _subnet(ids: Ids, one: Fields) -> Subnet:
    if one.parts("Ipv6CidrBlockAssociationSet"):
        raise unknown(one.where, "an IPv6 block")
    return Subnet(ids.of(one, "SubnetId"), one.text("AvailabilityZone"), one.block("CidrBlock"))


def _is_main(table: Fields) -> bool:
    return any(one.flag("Main") for one in table.parts("Associations"))


def _table(ids: Ids, one: Fields) -> RouteTable:
    """A table; routes to prefix lists are those of gateway endpoints, which name their tables themselves."""
    if one.parts("PropagatingVgws"):
        raise unknown(one.where, "`PropagatingVgws`")
    routes: list[Route] = []
    for route in one.parts("Routes"):
        route.only(("DestinationCidrBlock", "DestinationPrefixListId", "GatewayId", "NatGatewayId", "Origin", "State"))
        gateway = route.maybe("GatewayId")
        if gateway == "local":
            continue
        if route.maybe("DestinationPrefixListId"):
            if not gateway.startswith("vpce-"):
                raise unknown(route.where, "a route to a prefix list by something else than an endpoint")
            continue
        routes.append(Route(route.block("DestinationCidrBlock"), _target(ids, route)))
    linked = [link for link in one.parts("Associations") if not link.flag("Main")]
    subnets = tuple(sorted(ids.to(link, "SubnetId") for link in linked))
    return RouteTable(ids.of(one, "RouteTableId"), _is_main(one), tuple(sorted(routes)), subnets)


def _target(ids: Ids, route: Fields) -> Target:
    if route.text("State") == "blackhole":
        return Target(TargetKind.NOWHERE)
    if route.maybe("NatGatewayId"):
        return Target(TargetKind.NAT, ids.to(route, "NatGatewayId"))
    if not route.text("GatewayId").startswith("igw-"):
        raise unknown(route.where, f"gateway {route.text('GatewayId')}")
    return Target(TargetKind.INTERNET, ids.to(route, "GatewayId"))


def _acl(ids: Ids, one: Fields) -> Acl:
    default = one.flag("IsDefault")
    entries = [_entry(part) for part in one.parts("Entries") if part.number("RuleNumber") != _LAST_ENTRY]
    subnets = () if default else tuple(sorted(ids.to(link, "SubnetId") for link in one.parts("Associations")))
    return Acl(ids.of(one, "NetworkAclId"), default, tuple(sorted(entries)), subnets)


def _entry(one: Fields) -> Entry:
    one.only(("CidrBlock", "Egress", "Protocol", "RuleAction", "RuleNumber", "PortRange", "IcmpTypeCode"))
    protocol = protocol_of(one.where, one.text("Protocol"))
    span = one.part("PortRange")
    if protocol is Protocol.ICMP:
        # AWS always tells type and code of ICMP; moto drops them, so there an entry reads as every type.
        kind = one.part("IcmpTypeCode")
        found = icmp(one.where, kind.number("Type", EVERY), kind.number("Code", EVERY))
    elif protocol is Protocol.ANY:
        found = ports(one.where, protocol, 0, 0)
    else:
        found = ports(one.where, protocol, span.number("From"), span.number("To"))
    allow = one.text("RuleAction") == "allow"
    return Entry(one.flag("Egress"), one.number("RuleNumber"), allow, protocol, *found, one.block("CidrBlock"))


def _groups(ids: Ids, groups: Iterable[Fields], rules: Iterable[Fields]) -> tuple[Group, ...]:
    own: dict[str, set[GroupRule]] = {one.text("GroupId"): set() for one in groups}
    for one in rules:
        if one.text("GroupId") in own:
            own[one.text("GroupId")].add(_rule(ids, one))
    return tuple(sorted(Group(ids.called(key), tuple(sorted(found))) for key, found in own.items()))


def _rule(ids: Ids, one: Fields) -> GroupRule:
    one.only(
        ("GroupId", "IsEgress", "IpProtocol", "FromPort", "ToPort", "CidrIpv4", "ReferencedGroupInfo", "PrefixListId"),
        ("SecurityGroupRuleId", "SecurityGroupRuleArn", "GroupOwnerId", "Description", "Tags"),
    )
    if one.maybe("CidrIpv4"):
        peer = RulePeer(PeerKind.CIDR, str(one.block("CidrIpv4")))
    elif one.maybe("PrefixListId"):
        peer = RulePeer(PeerKind.PREFIX_LIST, ids.to(one, "PrefixListId"))
    else:
        peer = RulePeer(PeerKind.GROUP, ids.to(one.part("ReferencedGroupInfo"), "GroupId"))
    span = one.number("FromPort", EVERY), one.number("ToPort", EVERY)
    return group_rule(one.where, one.text("IpProtocol"), *span, egress=one.flag("IsEgress"), peer=peer)


def _nat(ids: Ids, one: Fields) -> NatGateway:
    if one.maybe("ConnectivityType") not in {"", "public"}:
        raise unknown(one.where, f"connectivity {one.text('ConnectivityType')}")
    public = any(part.maybe("AllocationId") for part in one.parts("NatGatewayAddresses"))
    working = public and one.text("State") == "available"
    return NatGateway(ids.of(one, "NatGatewayId"), ids.to(one, "SubnetId"), working)


def _endpoint(ids: Ids, one: Fields) -> Endpoint:
    kind = one.text("VpcEndpointType")
    if kind not in {"Interface", "Gateway"}:
        raise unknown(one.where, f"an endpoint of type {kind}")
    plain = Endpoint(ids.of(one, "VpcEndpointId"), one.text("ServiceName"), interface=kind == "Interface")
    if not plain.interface:
        return replace(plain, tables=tuple(sorted(ids.all(one, one.texts("RouteTableIds")))))
    return replace(
        plain,
        subnets=tuple(sorted(ids.all(one, one.texts("SubnetIds")))),
        groups=tuple(sorted(ids.to(part, "GroupId") for part in one.parts("Groups"))),
        private_dns=one.flag("PrivateDnsEnabled"),
    )
