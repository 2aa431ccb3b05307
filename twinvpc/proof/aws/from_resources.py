"""The graph of a VPC from the resources that the program registers, before anything is deployed."""

from collections.abc import Iterable
from dataclasses import replace

from twinvpc.proof.aws.by_aws import DEFAULT, DEFAULT_ACL, DEFAULT_GROUP, MAIN
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
from twinvpc.proof.aws.named import Named
from twinvpc.proof.aws.resources import Resource
from twinvpc.proof.aws.rules import EVERY, Protocol, checked, group_rule, icmp, ports, protocol_of

_DESCRIBED = ("tags", "tagsAll", "region", "description", "vpcId")
_ACL_DIRECTIONS = (("ingress", False), ("egress", True))
_INTERFACE, _GATEWAY = "Interface", "Gateway"


def graph(resources: Iterable[Resource]) -> AwsGraph:
    """Read the graph.

    What AWS makes by itself is there even if no resource adopts it: the main route table with the local route, the
    default network ACL that allows everything, the default group whose members may reach each other and open
    everything. Adopted, they hold what the resource says, and ours say nothing.

    Raises:
        GraphError: a type, a property or a reference that is not known, or not exactly one VPC.
    """
    named = Named(resources)
    vpc = named.single("aws:ec2/vpc:Vpc")
    vpc.only(("cidrBlock", "enableDnsHostnames", "enableDnsSupport", "instanceTenancy"), _DESCRIBED)
    return checked(
        AwsGraph(
            cidrs=(vpc.block("cidrBlock"),),
            subnets=tuple(sorted(_subnet(named, one) for one in named.of("aws:ec2/subnet:Subnet"))),
            tables=_tables(named),
            acls=_acls(named),
            groups=_groups(named),
            gateways=tuple(sorted(_gateways(named))),
            nats=tuple(sorted(_nat(named, one) for one in named.of("aws:ec2/natGateway:NatGateway"))),
            endpoints=tuple(sorted(_endpoint(named, one) for one in named.of("aws:ec2/vpcEndpoint:VpcEndpoint"))),
        )
    )


def _subnet(named: Named, one: Fields) -> Subnet:
    # Who has a public address is assumed from routes, so whether one is given automatically changes nothing.
    one.only(("cidrBlock", "availabilityZone", "mapPublicIpOnLaunch"), _DESCRIBED)
    return Subnet(named.key(one), one.text("availabilityZone"), one.block("cidrBlock"))


def _tables(named: Named) -> tuple[RouteTable, ...]:
    own = {named.key(one): one for one in named.of("aws:ec2/routeTable:RouteTable")}
    routes: dict[str, list[Route]] = {key: [] for key in own}
    subnets: dict[str, list[str]] = {key: [] for key in own}
    for one in own.values():
        one.only(_DESCRIBED)
    for one in named.of("aws:ec2/route:Route"):
        one.only(("routeTableId", "destinationCidrBlock", "gatewayId", "natGatewayId"))
        table = named.referred(one, "routeTableId", "aws:ec2/routeTable:RouteTable")
        routes[table].append(Route(one.block("destinationCidrBlock"), _target(named, one)))
    for one in named.of("aws:ec2/routeTableAssociation:RouteTableAssociation"):
        one.only(("routeTableId", "subnetId"))
        table = named.referred(one, "routeTableId", "aws:ec2/routeTable:RouteTable")
        subnets[table].append(named.referred(one, "subnetId", "aws:ec2/subnet:Subnet"))
    main = MAIN
    for one in named.of("aws:ec2/defaultRouteTable:DefaultRouteTable"):
        one.only(("defaultRouteTableId",), _DESCRIBED)
        main = named.key(one, MAIN)
    tables = [RouteTable(key, routes=tuple(sorted(routes[key])), subnets=tuple(sorted(subnets[key]))) for key in own]
    return tuple(sorted([*tables, RouteTable(main, main=True)]))


def _target(named: Named, one: Fields) -> Target:
    if one.maybe("natGatewayId"):
        return Target(TargetKind.NAT, named.referred(one, "natGatewayId", "aws:ec2/natGateway:NatGateway"))
    gateway = named.referred(one, "gatewayId", "aws:ec2/internetGateway:InternetGateway")
    return Target(TargetKind.INTERNET, gateway)


def _gateways(named: Named) -> Iterable[InternetGateway]:
    """Attached ones; one without a VPC leads nowhere."""
    for one in named.of("aws:ec2/internetGateway:InternetGateway"):
        one.only(_DESCRIBED)
        if one.maybe("vpcId"):
            yield InternetGateway(named.key(one))


def _acls(named: Named) -> tuple[Acl, ...]:
    acls: list[Acl] = []
    for one in named.of("aws:ec2/networkAcl:NetworkAcl"):
        one.only(("ingress", "egress", "subnetIds"), _DESCRIBED)
        subnets = tuple(sorted(named.many(one, "subnetIds", "aws:ec2/subnet:Subnet")))
        acls.append(Acl(named.key(one), entries=_entries(one), subnets=subnets))
    default = DEFAULT_ACL
    for one in named.of("aws:ec2/defaultNetworkAcl:DefaultNetworkAcl"):
        one.only(("defaultNetworkAclId", "ingress", "egress"), _DESCRIBED)
        default = Acl(named.key(one, DEFAULT), default=True, entries=_entries(one))
    return tuple(sorted([*acls, default]))


def _entries(acl: Fields) -> tuple[Entry, ...]:
    return tuple(sorted(_entry(one, egress=egress) for name, egress in _ACL_DIRECTIONS for one in acl.parts(name)))


def _entry(one: Fields, *, egress: bool) -> Entry:
    one.only(("action", "protocol", "ruleNo", "fromPort", "toPort", "cidrBlock", "icmpType", "icmpCode"))
    protocol = protocol_of(one.where, one.text("protocol"))
    if protocol is Protocol.ICMP:
        # The provider sends 0 for what is left out (registry documentation of aws_network_acl): echo replies alone.
        span = icmp(one.where, one.number("icmpType", 0), one.number("icmpCode", 0))
    else:
        span = ports(one.where, protocol, one.number("fromPort"), one.number("toPort"))
    action = one.text("action")
    if action not in {"allow", "deny"}:
        raise unknown(one.where, f"action {action}")
    return Entry(egress, one.number("ruleNo"), action == "allow", protocol, *span, one.block("cidrBlock"))


def _groups(named: Named) -> tuple[Group, ...]:
    rules: dict[str, list[GroupRule]] = {}
    for one in named.of("aws:ec2/securityGroup:SecurityGroup"):
        # The provider takes away the egress rule that AWS gives every new group, so silence means none.
        one.only(("name", "namePrefix", "revokeRulesOnDelete"), _DESCRIBED)
        rules[named.key(one)] = []
    for token, egress in (
        ("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", False),
        ("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", True),
    ):
        for one in named.of(token):
            group = named.referred(one, "securityGroupId", "aws:ec2/securityGroup:SecurityGroup")
            rules[group].append(_rule(named, one, egress=egress))
    default = DEFAULT_GROUP
    for one in named.of("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"):
        one.only(_DESCRIBED)
        default = Group(named.key(one, DEFAULT))
    own = [Group(key, tuple(sorted(set(found)))) for key, found in rules.items()]
    return tuple(sorted([*own, default]))


def _rule(named: Named, one: Fields, *, egress: bool) -> GroupRule:
    peers = ("cidrIpv4", "referencedSecurityGroupId", "prefixListId")
    one.only(("securityGroupId", "ipProtocol", "fromPort", "toPort"), peers, _DESCRIBED)
    given = [name for name in peers if one.maybe(name)]
    if len(given) != 1:
        raise unknown(one.where, f"a rule with {len(given)} peers")
    if given == ["cidrIpv4"]:
        peer = RulePeer(PeerKind.CIDR, str(one.block("cidrIpv4")))
    elif given == ["referencedSecurityGroupId"]:
        peer = RulePeer(PeerKind.GROUP, named.referred(one, given[0], "aws:ec2/securityGroup:SecurityGroup"))
    else:
        endpoint = named.target(one, given[0], "aws:ec2/vpcEndpoint:VpcEndpoint", "prefixListId")
        peer = RulePeer(PeerKind.PREFIX_LIST, endpoint.text("serviceName"))
    word = one.text("ipProtocol")
    absent = EVERY if protocol_of(one.where, word) is Protocol.ANY else None
    span = one.number("fromPort", absent), one.number("toPort", absent)
    return group_rule(one.where, word, *span, egress=egress, peer=peer)


def _nat(named: Named, one: Fields) -> NatGateway:
    one.only(("allocationId", "subnetId", "connectivityType"), _DESCRIBED)
    if one.maybe("connectivityType") not in {"", "public"}:
        raise unknown(one.where, f"connectivity {one.text('connectivityType')}")
    subnet = named.referred(one, "subnetId", "aws:ec2/subnet:Subnet")
    return NatGateway(named.key(one), subnet, working=bool(one.maybe("allocationId")))


def _endpoint(named: Named, one: Fields) -> Endpoint:
    # An endpoint's policy judges calls, not packets.
    one.only(
        ("serviceName", "vpcEndpointType", "subnetIds", "securityGroupIds", "routeTableIds", "privateDnsEnabled"),
        ("policy", "autoAccept", "ipAddressType"),
        _DESCRIBED,
    )
    kind = one.maybe("vpcEndpointType") or _GATEWAY
    if kind not in {_INTERFACE, _GATEWAY} or one.maybe("ipAddressType") not in {"", "ipv4"}:
        raise unknown(one.where, f"an endpoint of type {kind} {one.maybe('ipAddressType')}")
    plain = Endpoint(named.key(one), one.text("serviceName"), interface=kind == _INTERFACE)
    if not plain.interface:
        tables = named.many(one, "routeTableIds", "aws:ec2/routeTable:RouteTable")
        return replace(plain, tables=tuple(sorted(tables)))
    return replace(
        plain,
        subnets=tuple(sorted(named.many(one, "subnetIds", "aws:ec2/subnet:Subnet"))),
        groups=tuple(sorted(named.many(one, "securityGroupIds", "aws:ec2/securityGroup:SecurityGroup"))),
        private_dns=one.flag("privateDnsEnabled"),
    )
