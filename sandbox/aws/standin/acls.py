"""Network ACLs with their entries and subnets."""

from typing import Any, cast

from sandbox.aws.standin.errors import StandinError
from sandbox.aws.standin.kind import Ec2Kind, one
from sandbox.aws.standin.values import Props
from sandbox.aws.standin.vpcs import of_id

_LAST = 32767
"""Number of the entry that denies the rest; it is always there, and nobody's to change."""

_ICMP = ("icmp", "1")
_NUMBERS = {"tcp": "6", "udp": "17", "icmp": "1", "-1": "-1"}


class NetworkAcl(Ec2Kind):
    """`aws_network_acl` with inline entries and subnets."""

    token = "aws:ec2/networkAcl:NetworkAcl"
    taken = frozenset({"vpcId", "ingress", "egress", "subnetIds", "tags"})
    fixed = frozenset({"vpcId"})

    def create(self, inputs: Props) -> str:
        made = self.account.ec2.create_network_acl(
            VpcId=inputs["vpcId"], TagSpecifications=self.specification("network-acl", inputs)
        )
        identity = str(made["NetworkAcl"]["NetworkAclId"])
        self._entries(identity, {}, inputs)
        self._associate(identity, _texts(inputs, "subnetIds"))
        return identity

    def read(self, identity: str, state: Props) -> Props | None:
        found = self.described(identity)
        entries = [entry for entry in found["Entries"] if entry["RuleNumber"] < _LAST]
        return {
            "arn": f"arn:aws:ec2:{self.account.region}:{found['OwnerId']}:network-acl/{identity}",
            "ownerId": found["OwnerId"],
            "vpcId": found["VpcId"],
            "ingress": [_entry(entry, state, "ingress") for entry in entries if not entry["Egress"]],
            "egress": [_entry(entry, state, "egress") for entry in entries if entry["Egress"]],
            "subnetIds": sorted(link["SubnetId"] for link in found["Associations"]),
            **self.tags(found),
        }

    def update(self, identity: str, old: Props, new: Props) -> None:
        self._entries(identity, old, new)
        self._associate(identity, _texts(new, "subnetIds"))
        gone = set(_texts(old, "subnetIds")) - set(_texts(new, "subnetIds"))
        self._associate(self._default(identity), sorted(gone))
        self.retag(identity, old, new)

    def delete(self, identity: str, state: Props) -> None:
        """Its subnets fall back to the VPC's own ACL first, as AWS deletes none that is in use."""
        own = [link["SubnetId"] for link in self.described(identity)["Associations"]]
        self._associate(self._default(identity), own)
        self.account.ec2.delete_network_acl(NetworkAclId=identity)

    def described(self, identity: str) -> Any:
        """What the account says of an ACL."""
        return one(self.account.ec2.describe_network_acls(NetworkAclIds=[identity])["NetworkAcls"])

    def _entries(self, identity: str, old: Props, new: Props) -> None:
        for direction in ("ingress", "egress"):
            before, after = _by_number(old, direction), _by_number(new, direction)
            for number in sorted(before):
                if before[number] != after.get(number):
                    self.account.ec2.delete_network_acl_entry(
                        NetworkAclId=identity, RuleNumber=number, Egress=direction == "egress"
                    )
            for number in sorted(after):
                if after[number] != before.get(number):
                    request = _request(after[number], number)
                    self.account.ec2.create_network_acl_entry(
                        NetworkAclId=identity, Egress=direction == "egress", **request
                    )

    def _associate(self, identity: str, subnets: list[str]) -> None:
        for subnet in subnets:
            holder = one(
                self.account.ec2.describe_network_acls(Filters=of_id("association.subnet-id", subnet))["NetworkAcls"]
            )
            link = one([link for link in holder["Associations"] if link["SubnetId"] == subnet])
            if holder["NetworkAclId"] != identity:
                self.account.ec2.replace_network_acl_association(
                    AssociationId=link["NetworkAclAssociationId"], NetworkAclId=identity
                )

    def _default(self, identity: str) -> str:
        of_vpc = [*of_id("vpc-id", self.described(identity)["VpcId"]), *of_id("default", "true")]
        return str(one(self.account.ec2.describe_network_acls(Filters=of_vpc)["NetworkAcls"])["NetworkAclId"])


class DefaultNetworkAcl(NetworkAcl):
    """`aws_default_network_acl`: the VPC's own, taken over and emptied."""

    token = "aws:ec2/defaultNetworkAcl:DefaultNetworkAcl"
    taken = frozenset({"defaultNetworkAclId", "ingress", "egress", "tags"})
    fixed = frozenset({"defaultNetworkAclId"})

    def create(self, inputs: Props) -> str:
        identity = str(inputs["defaultNetworkAclId"])
        self._empty(identity, inputs)
        self.retag(identity, {}, inputs)
        return identity

    def read(self, identity: str, state: Props) -> Props | None:
        said = super().read(identity, state)
        return None if said is None else {**said, "defaultNetworkAclId": identity}

    def update(self, identity: str, old: Props, new: Props) -> None:
        self._empty(identity, new)
        self.retag(identity, old, new)

    def delete(self, identity: str, state: Props) -> None:
        """Nothing: it goes with its VPC."""

    def _empty(self, identity: str, inputs: Props) -> None:
        if inputs.get("ingress") or inputs.get("egress"):
            raise StandinError(f"{self.token}: only an ACL without entries is implemented")
        found = self.read(identity, inputs) or {}
        self._entries(identity, found, inputs)


def _by_number(props: Props, direction: str) -> dict[int, Props]:
    entries = cast("list[Props]", props.get(direction) or [])
    found = {int(cast("int", entry["ruleNo"])): entry for entry in entries}
    if len(found) != len(entries):
        raise StandinError(f"two entries of `{direction}` have one number")
    return found


def _request(entry: Props, number: int) -> dict[str, object]:
    protocol = str(entry["protocol"])
    if protocol not in _NUMBERS and protocol not in _NUMBERS.values():
        raise StandinError(f"protocol {protocol} of an ACL entry is not implemented")
    request: dict[str, object] = {
        "RuleNumber": number,
        "Protocol": _NUMBERS.get(protocol, protocol),
        "RuleAction": entry["action"],
        "CidrBlock": entry["cidrBlock"],
    }
    if protocol in _ICMP:
        request["IcmpTypeCode"] = {"Type": entry.get("icmpType", -1), "Code": entry.get("icmpCode", -1)}
    elif _NUMBERS.get(protocol, protocol) != "-1":
        request["PortRange"] = {"From": entry["fromPort"], "To": entry["toPort"]}
    return request


def _entry(found: Any, state: Props, direction: str) -> Props:
    """An entry in the program's own spelling where that means the same: `tcp` and `6` are one protocol."""
    number, ports = str(found["Protocol"]), found.get("PortRange", {})
    recorded = _by_number(state, direction).get(found["RuleNumber"], {})
    spelt = str(recorded.get("protocol", number))
    entry: Props = {
        "ruleNo": found["RuleNumber"],
        "action": found["RuleAction"],
        "protocol": spelt if _NUMBERS.get(spelt, spelt) == number else number,
        "cidrBlock": found["CidrBlock"],
        "fromPort": int(ports.get("From") or 0),
        "toPort": int(ports.get("To") or 0),
    }
    if number == _NUMBERS["icmp"]:
        entry |= {"fromPort": recorded.get("fromPort", 0), "toPort": recorded.get("toPort", 0)}
        kind = found.get("IcmpTypeCode", {})
        entry |= {"icmpType": int(kind.get("Type", -1)), "icmpCode": int(kind.get("Code", -1))}
    return entry


def _texts(props: Props, name: str) -> list[str]:
    return cast("list[str]", props.get(name) or [])
