"""IAM policies of the network: who may do what by an endpoint, and what flow logs may write.

The account is never looked up: its number is an output of the VPC's.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

_VERSION = "2012-10-17"
_PULL = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")


@dataclass(frozen=True)
class Where:
    """Where things are in AWS.

    Attributes:
        region: AWS's region.
        account: number of the account.
    """

    region: str
    account: pulumi.Output[str]

    def arn(self, service: str, resource: str) -> pulumi.Output[str]:
        """An ARN of this account and region."""
        return pulumi.Output.concat(f"arn:aws:{service}:{self.region}:", self.account, f":{resource}")


@dataclass(frozen=True)
class Grant:
    """What is granted by one statement of an endpoint's policy.

    Attributes:
        actions: what may be done.
        resource: with what.
    """

    actions: Sequence[str]
    resource: pulumi.Input[str]


def grants(service: str, where: Where) -> tuple[Grant, ...]:
    """What a container task needs of one of AWS's services.

    Args:
        service: as AWS names it in its endpoints, e.g. `ecr.api`.
        where: region and account.
    """
    match service:
        case "ecr.api" | "ecr.dkr":
            # A token is for the whole registry: IAM knows no resource for it (Amazon ECR, actions).
            return (Grant(("ecr:GetAuthorizationToken",), "*"), Grant(_PULL, where.arn("ecr", "repository/*")))
        case "logs":
            return (Grant(("logs:CreateLogStream", "logs:PutLogEvents"), where.arn("logs", "log-group:*")),)
        case "secretsmanager":
            return (Grant(("secretsmanager:GetSecretValue",), where.arn("secretsmanager", "secret:*")),)
        case _:
            raise ValueError(f"nothing is known that a task needs of {service}")


def endpoint_policy(service: str, where: Where) -> pulumi.Output[str]:
    """The policy of an interface endpoint: the account's own principals alone, and only what a task needs."""
    return pulumi.Output.json_dumps(
        {
            "Version": _VERSION,
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": "*",
                    "Action": list(grant.actions),
                    "Resource": grant.resource,
                    "Condition": {"StringEquals": {"aws:PrincipalAccount": where.account}},
                }
                for grant in grants(service, where)
            ],
        }
    )


def s3_layers(region: str) -> str:
    """The policy of the way to S3: layers of images alone, whose bucket is AWS's (Amazon ECR, VPC endpoints).

    Layers are fetched by links that ECR signs, so there is no principal of the account's.
    """
    bucket = f"arn:aws:s3:::prod-{region}-starport-layer-bucket/*"
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": bucket}
    return json.dumps({"Version": _VERSION, "Statement": [statement]})


def flow_log_trust(where: Where) -> pulumi.Output[str]:
    """Who may take the role: flow logs of this account and region, and not on behalf of anybody else's."""
    return pulumi.Output.json_dumps(
        {
            "Version": _VERSION,
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "vpc-flow-logs.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                    "Condition": {
                        "StringEquals": {"aws:SourceAccount": where.account},
                        "ArnLike": {"aws:SourceArn": where.arn("ec2", "vpc-flow-log/*")},
                    },
                }
            ],
        }
    )


def flow_log_writing(log_group: pulumi.Output[str]) -> pulumi.Output[str]:
    """What the role may do: write into that log group (Amazon VPC user guide, flow logs to CloudWatch)."""
    return pulumi.Output.json_dumps(
        {
            "Version": _VERSION,
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": [
                        "logs:CreateLogStream",
                        "logs:DescribeLogGroups",
                        "logs:DescribeLogStreams",
                        "logs:PutLogEvents",
                    ],
                    "Resource": [log_group, pulumi.Output.concat(log_group, ":*")],
                }
            ],
        }
    )
