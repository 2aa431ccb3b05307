"""Security groups and their rules."""

from typing import Any, cast

from sandbox.aws.standin.errors import StandinError
from sandbox.aws.standin.kind import Ec2Kind, one
from sandbox.aws.standin.values import Props
from sandbox.aws.standin.vpcs import of_id

_PEERS = ("cidrIpv4", "referencedSecurityGroupId", "prefixListId")


class SecurityGroup(Ec2Kind):
    """`aws_security_group`, without inline rules."""

    token = "aws:ec2/securityGroup:SecurityGroup"
    taken = frozenset({"vpcId", "name", "description", "tags", "revokeRulesOnDelete"})
    fixed = frozenset({"vpcId", "name", "description"})
    named = True

    def create(self, inputs: Props) -> str:
        made = self.account.ec2.create_security_group(
            GroupName=inputs["name"], Description=inputs.get("description", "Managed by Pulumi"), VpcId=inputs["vpcId"],
            TagSpecifications=self.specification("security-group", inputs),
        )  # fmt: skip
        identity = str(made["GroupId"])
        self.revoke_all(identity)  # AWS lets a new group open everything; the official provider takes that away
        return identity

    def read(self, identity: str, state: Props) -> Props | None:
        found = self.described(identity)
        return {
            "arn": f"arn:aws:ec2:{self.account.region}:{found['OwnerId']}:security-group/{identity}",
            "ownerId": found["OwnerId"],
            "vpcId": found["VpcId"],
            "name": found["GroupName"],
            "description": found["Description"],
            **self.tags(found),
        }

    def update(self, identity: str, old: Props, new: Props) -> None:
        self.retag(identity, old, new)

    def delete(self, identity: str, state: Props) -> None:
        self.account.ec2.delete_security_group(GroupId=identity)

    def described(self, identity: str) -> Any:
        """What the account says of a group."""
        return one(self.account.ec2.describe_security_groups(GroupIds=[identity])["SecurityGroups"])

    def revoke_all(self, identity: str) -> None:
        """Take every rule away."""
        found = self.described(identity)
        if found["IpPermissions"]:
            self.account.ec2.revoke_security_group_ingress(GroupId=identity, IpPermissions=found["IpPermissions"])
        if found["IpPermissionsEgress"]:
            self.account.ec2.revoke_security_group_egress(GroupId=identity, IpPermissions=found["IpPermissionsEgress"])


class DefaultSecurityGroup(SecurityGroup):
    """`aws_default_security_group`: the VPC's own, taken over and emptied."""

    token = "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"
    taken = frozenset({"vpcId", "ingress", "egress", "tags"})
    fixed = frozenset({"vpcId"})
    named = False

    def create(self, inputs: Props) -> str:
        of_vpc = [*of_id("vpc-id", str(inputs["vpcId"])), *of_id("group-name", "default")]
        found = one(self.account.ec2.describe_security_groups(Filters=of_vpc)["SecurityGroups"])
        self._empty(found["GroupId"], inputs)
        self.retag(found["GroupId"], {}, inputs)
        return str(found["GroupId"])

    def read(self, identity: str, state: Props) -> Props | None:
        said, found = super().read(identity, state), self.described(identity)
        if said is None:
            return None
        return {
            **said,
            "ingress": _described(found["IpPermissions"]),
            "egress": _described(found["IpPermissionsEgress"]),
        }

    def update(self, identity: str, old: Props, new: Props) -> None:
        self._empty(identity, new)
        self.retag(identity, old, new)

    def delete(self, identity: str, state: Props) -> None:
        """Nothing: it goes with its VPC."""

    def _empty(self, identity: str, inputs: Props) -> None:
        if inputs.get("ingress") or inputs.get("egress"):
            raise StandinError(f"{self.token}: only a group without rules is implemented")
        self.revoke_all(identity)


class SecurityGroupIngressRule(Ec2Kind):
    """`aws_vpc_security_group_ingress_rule`."""

    token = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
    taken = frozenset({"securityGroupId", "ipProtocol", "fromPort", "toPort", "description", "tags", *_PEERS})
    fixed = frozenset({"securityGroupId"})
    egress = False

    def create(self, inputs: Props) -> str:
        ec2 = self.account.ec2
        authorize = ec2.authorize_security_group_egress if self.egress else ec2.authorize_security_group_ingress
        made = authorize(
            GroupId=inputs["securityGroupId"], IpPermissions=[_permission(inputs)],
            TagSpecifications=self.specification("security-group-rule", inputs),
        )  # fmt: skip
        return str(one(made["SecurityGroupRules"])["SecurityGroupRuleId"])

    def read(self, identity: str, state: Props) -> Props | None:
        found = one(
            self.account.ec2.describe_security_group_rules(SecurityGroupRuleIds=[identity])["SecurityGroupRules"]
        )
        if found is None or found["IsEgress"] is not self.egress:
            return None
        peers: Props = {
            "cidrIpv4": found.get("CidrIpv4", ""),
            "prefixListId": found.get("PrefixListId", ""),
            "referencedSecurityGroupId": found.get("ReferencedGroupInfo", {}).get("GroupId", ""),
        }
        # Moto forgets the description of a rule that names a group; what was asked for is in the record of requests.
        said: Props = {"description": found["Description"]} if found.get("Description") else {}
        ports: Props = {} if found["IpProtocol"] == "-1" else {"fromPort": found["FromPort"], "toPort": found["ToPort"]}
        return {
            "securityGroupRuleId": identity,
            "securityGroupId": found["GroupId"],
            "ipProtocol": found["IpProtocol"],
            **{name: value for name, value in peers.items() if value},
            **ports,
            **said,
            **self.tags(found),
        }

    def update(self, identity: str, old: Props, new: Props) -> None:
        rule = {wire: new[name] for name, wire in _WIRE.items() if new.get(name) is not None}
        self.account.ec2.modify_security_group_rules(
            GroupId=new["securityGroupId"],
            SecurityGroupRules=[{"SecurityGroupRuleId": identity, "SecurityGroupRule": rule}],
        )
        self.retag(identity, old, new)

    def delete(self, identity: str, state: Props) -> None:
        ec2 = self.account.ec2
        revoke = ec2.revoke_security_group_egress if self.egress else ec2.revoke_security_group_ingress
        revoke(GroupId=state["securityGroupId"], SecurityGroupRuleIds=[identity])


class SecurityGroupEgressRule(SecurityGroupIngressRule):
    """`aws_vpc_security_group_egress_rule`."""

    token = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
    egress = True


_WIRE = {
    "ipProtocol": "IpProtocol",
    "fromPort": "FromPort",
    "toPort": "ToPort",
    "description": "Description",
    "cidrIpv4": "CidrIpv4",
    "referencedSecurityGroupId": "ReferencedGroupId",
    "prefixListId": "PrefixListId",
}


def _permission(inputs: Props) -> dict[str, object]:
    given = [name for name in _PEERS if inputs.get(name)]
    if len(given) != 1:
        raise StandinError(f"a rule has one peer of {', '.join(_PEERS)}; given: {', '.join(given) or 'none'}")
    (peer,) = given
    said = {"Description": inputs["description"]} if inputs.get("description") else {}
    permission: dict[str, object] = {"IpProtocol": inputs["ipProtocol"]}
    permission |= {
        wire: inputs[name] for name, wire in (("fromPort", "FromPort"), ("toPort", "ToPort")) if name in inputs
    }
    if peer == "cidrIpv4":
        permission["IpRanges"] = [{"CidrIp": inputs[peer], **said}]
    elif peer == "prefixListId":
        permission["PrefixListIds"] = [{"PrefixListId": inputs[peer], **said}]
    else:
        permission["UserIdGroupPairs"] = [{"GroupId": inputs[peer], **said}]
    return permission


def _described(permissions: list[Any]) -> list[object]:
    return [{"protocol": cast("str", permission["IpProtocol"])} for permission in permissions]
