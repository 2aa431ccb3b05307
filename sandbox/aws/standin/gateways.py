"""Elastic addresses, NAT gateways, VPC endpoints."""

from typing import Any, cast

from sandbox.aws.standin.errors import StandinError
from sandbox.aws.standin.kind import Ec2Kind, one
from sandbox.aws.standin.values import Props

_GONE = ("deleted", "deleting")


class Eip(Ec2Kind):
    """`aws_eip` for a VPC."""

    token = "aws:ec2/eip:Eip"
    taken = frozenset({"domain", "tags"})
    fixed = frozenset({"domain"})

    def create(self, inputs: Props) -> str:
        made = self.account.ec2.allocate_address(
            Domain=inputs.get("domain", "vpc"), TagSpecifications=self.specification("elastic-ip", inputs)
        )
        return str(made["AllocationId"])

    def read(self, identity: str, state: Props) -> Props | None:
        found = one(self.account.ec2.describe_addresses(AllocationIds=[identity])["Addresses"])
        return {
            "allocationId": identity,
            "domain": found["Domain"],
            "publicIp": found["PublicIp"],
            "associationId": found.get("AssociationId", ""),
            **self.tags(found),
        }

    def update(self, identity: str, old: Props, new: Props) -> None:
        self.retag(identity, old, new)

    def delete(self, identity: str, state: Props) -> None:
        self.account.ec2.release_address(AllocationId=identity)


class NatGateway(Ec2Kind):
    """`aws_nat_gateway` with an elastic address."""

    token = "aws:ec2/natGateway:NatGateway"
    taken = frozenset({"allocationId", "subnetId", "connectivityType", "tags"})
    fixed = frozenset({"allocationId", "subnetId", "connectivityType"})

    def create(self, inputs: Props) -> str:
        made = self.account.ec2.create_nat_gateway(
            SubnetId=inputs["subnetId"], AllocationId=inputs["allocationId"],
            ConnectivityType=inputs.get("connectivityType", "public"),
            TagSpecifications=self.specification("natgateway", inputs),
        )  # fmt: skip
        return str(made["NatGateway"]["NatGatewayId"])

    def read(self, identity: str, state: Props) -> Props | None:
        found = one(self.account.ec2.describe_nat_gateways(NatGatewayIds=[identity])["NatGateways"])
        if found is None or found["State"] in _GONE:
            return None
        address = found["NatGatewayAddresses"][0]
        return {
            "subnetId": found["SubnetId"],
            "allocationId": address.get("AllocationId", ""),
            "connectivityType": found["ConnectivityType"],
            "publicIp": address.get("PublicIp", ""),
            "privateIp": address.get("PrivateIp", ""),
            "networkInterfaceId": address.get("NetworkInterfaceId", ""),
            **self.tags(found),
        }

    def update(self, identity: str, old: Props, new: Props) -> None:
        self.retag(identity, old, new)

    def delete(self, identity: str, state: Props) -> None:
        self.account.ec2.delete_nat_gateway(NatGatewayId=identity)


class VpcEndpoint(Ec2Kind):
    """`aws_vpc_endpoint`: gateway and interface."""

    token = "aws:ec2/vpcEndpoint:VpcEndpoint"
    taken = frozenset(
        {"vpcId", "serviceName", "vpcEndpointType", "routeTableIds", "subnetIds", "securityGroupIds"}
        | {"privateDnsEnabled", "policy", "tags"}
    )
    fixed = frozenset({"vpcId", "serviceName", "vpcEndpointType"})

    def create(self, inputs: Props) -> str:
        kind = str(inputs.get("vpcEndpointType", "Gateway"))
        if kind not in ("Gateway", "Interface"):
            raise StandinError(f"{self.token}: endpoints of type {kind} are not implemented")
        request = {wire: inputs[name] for name, wire in _ENDPOINT.items() if inputs.get(name) is not None}
        made = self.account.ec2.create_vpc_endpoint(
            VpcEndpointType=kind, TagSpecifications=self.specification("vpc-endpoint", inputs), **request
        )
        return str(made["VpcEndpoint"]["VpcEndpointId"])

    def read(self, identity: str, state: Props) -> Props | None:
        found = one(self.account.ec2.describe_vpc_endpoints(VpcEndpointIds=[identity])["VpcEndpoints"])
        if found is None or found["State"] in _GONE:
            return None
        groups = found.get("Groups", [])
        read: Props = {
            "arn": f"arn:aws:ec2:{self.account.region}:{found.get('OwnerId', '')}:vpc-endpoint/{identity}",
            "state": found["State"],
            "vpcId": found["VpcId"],
            "serviceName": found["ServiceName"],
            "vpcEndpointType": found["VpcEndpointType"],
            "routeTableIds": sorted(found.get("RouteTableIds", [])),
            "subnetIds": sorted(found.get("SubnetIds", [])),
            "privateDnsEnabled": bool(found.get("PrivateDnsEnabled")),
            **self.tags(found),
        }
        if groups:
            read["securityGroupIds"] = sorted(group["GroupId"] for group in groups)
        if found.get("PolicyDocument"):
            read["policy"] = found["PolicyDocument"]
        if found["VpcEndpointType"] == "Gateway":
            read["prefixListId"] = self._prefix_list(found["ServiceName"])
        return read

    def update(self, identity: str, old: Props, new: Props) -> None:
        request: dict[str, object] = {}
        for name, (add, remove) in _LISTS.items():
            before, after = set(_texts(old, name)), set(_texts(new, name))
            request |= {wire: sorted(ids) for wire, ids in ((add, after - before), (remove, before - after)) if ids}
        if new.get("policy") != old.get("policy"):
            request["PolicyDocument"] = new.get("policy")
        if request:
            self.account.ec2.modify_vpc_endpoint(VpcEndpointId=identity, **request)
        self.retag(identity, old, new)

    def delete(self, identity: str, state: Props) -> None:
        self.account.ec2.delete_vpc_endpoints(VpcEndpointIds=[identity])

    def _prefix_list(self, service: str) -> str:
        found = self.account.ec2.describe_prefix_lists(Filters=[{"Name": "prefix-list-name", "Values": [service]}])
        named: list[Any] = [each for each in found["PrefixLists"] if each["PrefixListName"] == service]
        if not named:
            raise StandinError(f"the account has no prefix list of {service}")
        return str(one(named)["PrefixListId"])


_ENDPOINT = {
    "vpcId": "VpcId",
    "serviceName": "ServiceName",
    "routeTableIds": "RouteTableIds",
    "subnetIds": "SubnetIds",
    "securityGroupIds": "SecurityGroupIds",
    "privateDnsEnabled": "PrivateDnsEnabled",
    "policy": "PolicyDocument",
}
_LISTS = {
    "routeTableIds": ("AddRouteTableIds", "RemoveRouteTableIds"),
    "subnetIds": ("AddSubnetIds", "RemoveSubnetIds"),
    "securityGroupIds": ("AddSecurityGroupIds", "RemoveSecurityGroupIds"),
}


def _texts(props: Props, name: str) -> list[str]:
    return cast("list[str]", props.get(name) or [])
