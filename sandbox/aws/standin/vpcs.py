"""VPC, subnets, Internet gateway, and what a VPC is born with."""

from typing import Any

from sandbox.aws.standin.kind import Ec2Kind, one
from sandbox.aws.standin.values import Props


class Vpc(Ec2Kind):
    """`aws_vpc`."""

    token = "aws:ec2/vpc:Vpc"
    taken = frozenset({"cidrBlock", "enableDnsHostnames", "enableDnsSupport", "tags"})
    fixed = frozenset({"cidrBlock"})

    def create(self, inputs: Props) -> str:
        made = self.account.ec2.create_vpc(
            CidrBlock=inputs["cidrBlock"], TagSpecifications=self.specification("vpc", inputs)
        )
        identity = str(made["Vpc"]["VpcId"])
        self._attributes(identity, inputs)
        return identity

    def read(self, identity: str, state: Props) -> Props | None:
        ec2 = self.account.ec2
        found = one(ec2.describe_vpcs(VpcIds=[identity])["Vpcs"])
        of_vpc = [{"Name": "vpc-id", "Values": [identity]}]
        groups = ec2.describe_security_groups(Filters=[*of_vpc, {"Name": "group-name", "Values": ["default"]}])
        acls = ec2.describe_network_acls(Filters=[*of_vpc, {"Name": "default", "Values": ["true"]}])
        tables = ec2.describe_route_tables(Filters=[*of_vpc, {"Name": "association.main", "Values": ["true"]}])
        main = one(tables["RouteTables"])["RouteTableId"]
        return {
            "arn": f"arn:aws:ec2:{self.account.region}:{found['OwnerId']}:vpc/{identity}",
            "cidrBlock": found["CidrBlock"],
            "ownerId": found["OwnerId"],
            "enableDnsHostnames": self._attribute(identity, "enableDnsHostnames"),
            "enableDnsSupport": self._attribute(identity, "enableDnsSupport"),
            "defaultSecurityGroupId": one(groups["SecurityGroups"])["GroupId"],
            "defaultNetworkAclId": one(acls["NetworkAcls"])["NetworkAclId"],
            "defaultRouteTableId": main,
            "mainRouteTableId": main,
            **self.tags(found),
        }

    def update(self, identity: str, old: Props, new: Props) -> None:
        self._attributes(identity, new)
        self.retag(identity, old, new)

    def delete(self, identity: str, state: Props) -> None:
        self.account.ec2.delete_vpc(VpcId=identity)

    def _attributes(self, identity: str, inputs: Props) -> None:
        for name in ("enableDnsSupport", "enableDnsHostnames"):
            if name in inputs:  # one attribute a request is what AWS takes
                request = {f"{name[0].upper()}{name[1:]}": {"Value": inputs[name]}}
                self.account.ec2.modify_vpc_attribute(VpcId=identity, **request)

    def _attribute(self, identity: str, name: str) -> bool:
        said = self.account.ec2.describe_vpc_attribute(VpcId=identity, Attribute=name)
        return bool(said[f"{name[0].upper()}{name[1:]}"]["Value"])


class Subnet(Ec2Kind):
    """`aws_subnet`."""

    token = "aws:ec2/subnet:Subnet"
    taken = frozenset({"vpcId", "cidrBlock", "availabilityZone", "mapPublicIpOnLaunch", "tags"})
    fixed = frozenset({"vpcId", "cidrBlock", "availabilityZone"})

    def create(self, inputs: Props) -> str:
        made = self.account.ec2.create_subnet(
            VpcId=inputs["vpcId"], CidrBlock=inputs["cidrBlock"], AvailabilityZone=inputs["availabilityZone"],
            TagSpecifications=self.specification("subnet", inputs),
        )  # fmt: skip
        identity = str(made["Subnet"]["SubnetId"])
        self._public(identity, inputs)
        return identity

    def read(self, identity: str, state: Props) -> Props | None:
        found = one(self.account.ec2.describe_subnets(SubnetIds=[identity])["Subnets"])
        return {
            "arn": found["SubnetArn"],
            "ownerId": found["OwnerId"],
            "vpcId": found["VpcId"],
            "cidrBlock": found["CidrBlock"],
            "availabilityZone": found["AvailabilityZone"],
            "availabilityZoneId": found["AvailabilityZoneId"],
            "mapPublicIpOnLaunch": found["MapPublicIpOnLaunch"],
            **self.tags(found),
        }

    def update(self, identity: str, old: Props, new: Props) -> None:
        self._public(identity, new)
        self.retag(identity, old, new)

    def delete(self, identity: str, state: Props) -> None:
        self.account.ec2.delete_subnet(SubnetId=identity)

    def _public(self, identity: str, inputs: Props) -> None:
        value = {"Value": bool(inputs.get("mapPublicIpOnLaunch", False))}
        self.account.ec2.modify_subnet_attribute(SubnetId=identity, MapPublicIpOnLaunch=value)


class InternetGateway(Ec2Kind):
    """`aws_internet_gateway`."""

    token = "aws:ec2/internetGateway:InternetGateway"
    taken = frozenset({"vpcId", "tags"})

    def create(self, inputs: Props) -> str:
        made = self.account.ec2.create_internet_gateway(
            TagSpecifications=self.specification("internet-gateway", inputs)
        )
        identity = str(made["InternetGateway"]["InternetGatewayId"])
        self._move(identity, None, inputs.get("vpcId"))
        return identity

    def read(self, identity: str, state: Props) -> Props | None:
        found = one(self.account.ec2.describe_internet_gateways(InternetGatewayIds=[identity])["InternetGateways"])
        attached = [one["VpcId"] for one in found["Attachments"]]
        owner = found.get("OwnerId", "")
        return {
            "arn": f"arn:aws:ec2:{self.account.region}:{owner}:internet-gateway/{identity}",
            "ownerId": owner,
            "vpcId": attached[0] if attached else "",
            **self.tags(found),
        }

    def update(self, identity: str, old: Props, new: Props) -> None:
        self._move(identity, old.get("vpcId"), new.get("vpcId"))
        self.retag(identity, old, new)

    def delete(self, identity: str, state: Props) -> None:
        self._move(identity, state.get("vpcId"), None)
        self.account.ec2.delete_internet_gateway(InternetGatewayId=identity)

    def _move(self, identity: str, old: object, new: object) -> None:
        if old and old != new:
            self.account.ec2.detach_internet_gateway(InternetGatewayId=identity, VpcId=old)
        if new and old != new:
            self.account.ec2.attach_internet_gateway(InternetGatewayId=identity, VpcId=new)


def of_id(name: str, identity: str) -> list[dict[str, Any]]:
    """A filter by one id."""
    return [{"Name": name, "Values": [identity]}]
