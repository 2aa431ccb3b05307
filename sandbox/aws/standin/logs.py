"""Log groups and flow logs."""

from typing import cast

from sandbox.aws.standin.kind import Ec2Kind, Kind, one, tags_of
from sandbox.aws.standin.values import Props


class LogGroup(Kind):
    """`aws_cloudwatch_log_group`."""

    token = "aws:cloudwatch/logGroup:LogGroup"
    taken = frozenset({"name", "retentionInDays", "kmsKeyId", "tags", "skipDestroy"})
    fixed = frozenset({"name"})
    named = True

    def create(self, inputs: Props) -> str:
        request = {"kmsKeyId": inputs["kmsKeyId"]} if inputs.get("kmsKeyId") else {}
        self.account.logs.create_log_group(
            logGroupName=inputs["name"], tags=self.account.default_tags | tags_of(inputs), **request
        )
        self._retain(inputs)
        return str(inputs["name"])

    def read(self, identity: str, state: Props) -> Props | None:
        listed = self.account.logs.describe_log_groups(logGroupNamePrefix=identity)["logGroups"]
        found = one([group for group in listed if group["logGroupName"] == identity])
        if found is None:
            return None
        tags = self.account.logs.list_tags_log_group(logGroupName=identity)["tags"]
        return {
            "arn": str(found["arn"]).removesuffix(":*"),
            "name": identity,
            "retentionInDays": found.get("retentionInDays", 0),
            "kmsKeyId": found.get("kmsKeyId", ""),
            **self.account.own_tags([{"Key": key, "Value": value} for key, value in tags.items()]),
        }

    def update(self, identity: str, old: Props, new: Props) -> None:
        self._retain(new)
        gone = sorted(tags_of(old).keys() - tags_of(new).keys())
        if gone:
            self.account.logs.untag_log_group(logGroupName=identity, tags=gone)
        self.account.logs.tag_log_group(logGroupName=identity, tags=self.account.default_tags | tags_of(new))

    def delete(self, identity: str, state: Props) -> None:
        if not state.get("skipDestroy"):
            self.account.logs.delete_log_group(logGroupName=identity)

    def _retain(self, inputs: Props) -> None:
        days = cast("int", inputs.get("retentionInDays") or 0)
        if days:
            self.account.logs.put_retention_policy(logGroupName=inputs["name"], retentionInDays=days)
        else:
            self.account.logs.delete_retention_policy(logGroupName=inputs["name"])


class FlowLog(Ec2Kind):
    """`aws_flow_log` of a VPC into CloudWatch."""

    token = "aws:ec2/flowLog:FlowLog"
    taken = frozenset(
        {"vpcId", "trafficType", "logDestination", "logDestinationType", "iamRoleArn", "maxAggregationInterval"}
        | {"logFormat", "tags"}
    )
    fixed = taken - {"tags"}

    def create(self, inputs: Props) -> str:
        request = {wire: inputs[name] for name, wire in _WIRE.items() if inputs.get(name) is not None}
        made = self.account.ec2.create_flow_logs(
            ResourceIds=[inputs["vpcId"]], ResourceType="VPC",
            TagSpecifications=self.specification("vpc-flow-log", inputs), **request,
        )  # fmt: skip
        return str(one(made["FlowLogIds"]))

    def read(self, identity: str, state: Props) -> Props | None:
        found = one(self.account.ec2.describe_flow_logs(FlowLogIds=[identity])["FlowLogs"])
        if found is None:
            return None
        read = {name: found[wire] for name, wire in _WIRE.items() if found.get(wire)}
        return {
            "arn": f"arn:aws:ec2:{self.account.region}::vpc-flow-log/{identity}",
            "vpcId": found["ResourceId"],
            **read,
            **self.tags(found),
        }

    def update(self, identity: str, old: Props, new: Props) -> None:
        self.retag(identity, old, new)

    def delete(self, identity: str, state: Props) -> None:
        self.account.ec2.delete_flow_logs(FlowLogIds=[identity])


_WIRE = {
    "trafficType": "TrafficType",
    "logDestination": "LogDestination",
    "logDestinationType": "LogDestinationType",
    "iamRoleArn": "DeliverLogsPermissionArn",
    "maxAggregationInterval": "MaxAggregationInterval",
    "logFormat": "LogFormat",
}
