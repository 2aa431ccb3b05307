"""`python -m sandbox.aws.describe REGION VPC`: what an account says of a VPC, as JSON, by AWS's own names.

Only what reachability needs; the answers of `describe-*` as they come, without boto3's own wrapping.
"""

import json
import sys
from typing import Any, cast

import boto3
from botocore.exceptions import BotoCoreError, ClientError

_BY_VPC = {
    "Subnets": "describe_subnets",
    "RouteTables": "describe_route_tables",
    "NetworkAcls": "describe_network_acls",
    "SecurityGroups": "describe_security_groups",
    "NatGateways": "describe_nat_gateways",
    "VpcEndpoints": "describe_vpc_endpoints",
}


def describe(region: str, vpc: str) -> dict[str, list[Any]]:
    """Answers by the name of their list.

    Args:
        region: such as `ap-northeast-1`.
        vpc: id of the VPC.
    """
    ec2 = cast("Any", boto3).client("ec2", region_name=region)
    of_vpc = [{"Name": "vpc-id", "Values": [vpc]}]
    found: dict[str, list[Any]] = {"Vpcs": ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"]}
    for name, call in _BY_VPC.items():
        filters = {"Filter" if name == "NatGateways" else "Filters": of_vpc}
        found[name] = getattr(ec2, call)(**filters)[name]
    attached = [{"Name": "attachment.vpc-id", "Values": [vpc]}]
    found["InternetGateways"] = ec2.describe_internet_gateways(Filters=attached)["InternetGateways"]
    groups = [group["GroupId"] for group in found["SecurityGroups"]]
    by_group = [{"Name": "group-id", "Values": groups}]
    found["SecurityGroupRules"] = ec2.describe_security_group_rules(Filters=by_group)["SecurityGroupRules"]
    found["PrefixLists"] = ec2.describe_prefix_lists()["PrefixLists"]
    return found


if __name__ == "__main__":
    try:
        print(json.dumps(describe(sys.argv[1], sys.argv[2]), default=str))
    except (BotoCoreError, ClientError) as error:
        sys.exit(f"the account does not say what stands there: {error}")
