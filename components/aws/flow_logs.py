"""Flow logs: what passed the walls of the VPC, and what they refused."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.aws.policies import Where, flow_log_trust, flow_log_writing
from components.component import Component

_SECONDS = 600
_LONGEST_ROLE = 64


@dataclass(frozen=True)
class FlowLogsArgs:
    """What is logged.

    Attributes:
        vpc_id: the VPC.
        where: region and account.
        retention_days: how long records are kept.
    """

    vpc_id: pulumi.Output[str]
    where: Where
    retention_days: int


class FlowLogs(Component):
    """Every flow of the VPC, accepted or refused, in a log group of its own.

    The log group outlives the stack: what it holds cannot be made again, and ends by itself after its days. Its name
    holds the VPC's id, so that the next VPC's log group is another one.

    Attributes:
        log_group: name of the log group.

    Creates:
        - `aws:cloudwatch/logGroup:LogGroup`: one, kept when the stack goes.
        - `aws:iam/role:Role`: by which flow logs write.
        - `aws:iam/rolePolicy:RolePolicy`: lets it write into that log group alone.
        - `aws:ec2/flowLog:FlowLog`: one, of the whole VPC.
    """

    def __init__(self, name: str, args: FlowLogsArgs, *, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("twin-vpc:aws:FlowLogs", name, opts)
        home = f"{pulumi.get_project()}-{pulumi.get_stack()}"
        group = aws.cloudwatch.LogGroup(
            name,
            name=pulumi.Output.concat(f"/{pulumi.get_project()}/{pulumi.get_stack()}/{name}/", args.vpc_id),
            retention_in_days=args.retention_days,
            tags={"Name": name},
            opts=pulumi.ResourceOptions.merge(self.child(), pulumi.ResourceOptions(retain_on_delete=True)),
        )
        role = aws.iam.Role(
            name,
            name=f"{home}-{name}"[-_LONGEST_ROLE:],
            description="Lets flow logs of the VPC write into its log group",
            assume_role_policy=flow_log_trust(args.where),
            tags={"Name": name},
            opts=self.child(),
        )
        writing = aws.iam.RolePolicy(
            name, name=name, role=role.name, policy=flow_log_writing(group.arn), opts=self.child()
        )
        aws.ec2.FlowLog(
            name,
            vpc_id=args.vpc_id,
            traffic_type="ALL",
            log_destination_type="cloud-watch-logs",
            log_destination=group.arn,
            iam_role_arn=role.arn,
            max_aggregation_interval=_SECONDS,
            tags={"Name": name},
            opts=pulumi.ResourceOptions.merge(self.child(), pulumi.ResourceOptions(depends_on=[writing])),
        )
        self.log_group = group.name
        self.register_outputs({"log_group": self.log_group})
