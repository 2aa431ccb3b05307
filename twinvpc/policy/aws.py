"""The whole policy as AWS says it: groups, network ACLs and routes."""

from dataclasses import dataclass

from twinvpc.addressing.plan import AwsPlan
from twinvpc.model.aws import AwsStack
from twinvpc.policy.aws_acls import Acl, acls
from twinvpc.policy.aws_groups import Group, groups
from twinvpc.policy.aws_routes import RouteTable, route_tables
from twinvpc.policy.terms import Policy


@dataclass(frozen=True)
class AwsDesign:
    """What is to be made of the policy.

    Attributes:
        groups: security groups, the inner wall.
        acls: network ACLs, the outer wall.
        tables: route tables; what they do not lead to is not reached, whatever the walls say.
    """

    groups: tuple[Group, ...]
    acls: tuple[Acl, ...]
    tables: tuple[RouteTable, ...]


def design(policy: Policy, plan: AwsPlan, stack: AwsStack) -> AwsDesign:
    """Render a policy.

    Raises:
        UnsupportedTermError: the policy holds a permission that AWS's rules cannot express.
    """
    return AwsDesign(groups(policy), acls(policy, plan, stack), route_tables(plan, stack))
