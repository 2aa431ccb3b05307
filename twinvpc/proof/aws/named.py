"""Registered resources by type and name, with references followed."""

from collections.abc import Iterable

from twinvpc.proof.aws.errors import GraphError, unknown
from twinvpc.proof.aws.fields import Fields
from twinvpc.proof.aws.resources import Reference, Resource, reference

_TAG = "Name"
_JUDGED = frozenset(
    {
        "aws:ec2/vpc:Vpc",
        "aws:ec2/subnet:Subnet",
        "aws:ec2/routeTable:RouteTable",
        "aws:ec2/defaultRouteTable:DefaultRouteTable",
        "aws:ec2/route:Route",
        "aws:ec2/routeTableAssociation:RouteTableAssociation",
        "aws:ec2/networkAcl:NetworkAcl",
        "aws:ec2/defaultNetworkAcl:DefaultNetworkAcl",
        "aws:ec2/securityGroup:SecurityGroup",
        "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
        "aws:ec2/internetGateway:InternetGateway",
        "aws:ec2/natGateway:NatGateway",
        "aws:ec2/vpcEndpoint:VpcEndpoint",
    }
)
_NO_PACKETS = frozenset({"aws:ec2/eip:Eip", "aws:ec2/flowLog:FlowLog"})
_NO_PACKETS_UNDER = ("pulumi:", "twin-vpc:", "aws:cloudwatch/", "aws:iam/", "aws:kms/")


class Named:
    """All resources that decide about packets.

    Raises:
        GraphError: some type is not known, or two resources share type and name.
    """

    def __init__(self, resources: Iterable[Resource]) -> None:
        self._fields: dict[tuple[str, str], Fields] = {}
        self._kinds: dict[str, list[Fields]] = {}
        self._keys: dict[int, str] = {}
        for one in resources:
            if one.token in _NO_PACKETS or one.token.startswith(_NO_PACKETS_UNDER):
                continue
            if one.token not in _JUDGED:
                raise unknown(one.name, f"the type {one.token}")
            fields = Fields(f"{one.token} {one.name}", one.inputs)
            if (one.token, one.name) in self._fields:
                raise unknown(fields.where, "a second resource of this type and name")
            self._fields[one.token, one.name] = fields
            self._kinds.setdefault(one.token, []).append(fields)
            self._keys[id(fields)] = one.name

    def of(self, token: str) -> tuple[Fields, ...]:
        """All resources of one type."""
        return tuple(self._kinds.get(token, ()))

    def single(self, token: str) -> Fields:
        """The only resource of a type."""
        found = self.of(token)
        if len(found) != 1:
            raise GraphError(
                f"{len(found)} resources of type {token}",
                rule="the proof judges one VPC",
                way_out="hand over the resources of one stack",
            )
        return found[0]

    def key(self, one: Fields, untagged: str = "") -> str:
        """What the thing is called: its tag `Name`, else `untagged`, else its name in the program."""
        return one.part("tags").maybe(_TAG) or untagged or self._keys[id(one)]

    def target(self, one: Fields, name: str, token: str, output: str = "id") -> Fields:
        """The resource that a value refers to.

        Raises:
            GraphError: it refers to nothing that was registered, or to something of another type.
        """
        return self._followed(one, name, one.text(name), token, output)

    def referred(self, one: Fields, name: str, token: str) -> str:
        """What the resource is called whose id stands there."""
        return self.key(self.target(one, name, token))

    def many(self, one: Fields, name: str, token: str) -> tuple[str, ...]:
        """What the resources are called whose ids stand in a list."""
        return tuple(self.key(self._followed(one, name, text, token, "id")) for text in one.texts(name))

    def _followed(self, one: Fields, name: str, text: str, token: str, output: str) -> Fields:
        to = reference(text)
        found = self._fields.get((to.token, to.name)) if to else None
        if to is None or found is None or to != Reference(token, to.name, output):
            raise unknown(one.where, f"`{name}`: {text}")
        return found
