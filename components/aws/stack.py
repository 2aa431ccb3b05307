"""An AWS stack: the VPC first, then routes, both walls, endpoints where they are used, and flow logs."""

from collections.abc import Mapping

import pulumi

from components.aws.acls import NetworkAcls, NetworkAclsArgs
from components.aws.endpoints import Endpoints, EndpointsArgs
from components.aws.flow_logs import FlowLogs, FlowLogsArgs
from components.aws.groups import SecurityGroups, SecurityGroupsArgs
from components.aws.outputs import NetworkExports, SegmentExport, SubnetExport
from components.aws.policies import Where
from components.aws.provider import provider
from components.aws.routing import Routing, RoutingArgs
from components.aws.vpc import Vpc, VpcArgs
from components.former import Former, former_names
from twinvpc.addressing.lock import StackLock
from twinvpc.addressing.plan import AwsPlan, aws_plan
from twinvpc.model.aws import ENDPOINTS, AwsStack, Egress
from twinvpc.model.load import Intent
from twinvpc.model.problems import InvalidInputError
from twinvpc.policy.aws import AwsDesign, design
from twinvpc.policy.aws_limits import excess
from twinvpc.policy.terms import UnsupportedTermError, compile_policy
from twinvpc.price.text import told


def build_aws(intent: Intent, stack: AwsStack, recorded: StackLock) -> Mapping[str, pulumi.Input[object]]:
    """Register everything and return what the stack exports. A preview says what it would cost.

    Raises:
        pulumi.RunError: the stack is offline and this is no preview, the policy cannot be said on AWS, or it exceeds
            AWS's limits; nothing was registered.
    """
    if stack.offline and not pulumi.runtime.is_dry_run():
        raise pulumi.RunError(
            "nothing was changed: `twin-vpc:offline` is true, so there is no account to deploy to; previews work. Set "
            "it to false, and give AWS's own tools credentials"
        )
    plan, former = aws_plan(recorded), _former(recorded)
    wanted = _design(intent, plan, stack)
    if pulumi.runtime.is_dry_run():
        pulumi.log.info("\n".join(told(stack, intent.network)))
    opts = pulumi.ResourceOptions(providers=[provider("aws", stack)])
    network = Vpc("vpc", _vpc_args(stack, plan, former), opts=opts)
    routing = Routing("routing", RoutingArgs(network, wanted.tables, stack.aws_region, former), opts=opts)
    vpc_id, where = network.vpc.id, Where(stack.aws_region, network.vpc.owner_id)
    walls = SecurityGroupsArgs(vpc_id, wanted.groups, routing.s3_prefixes, former)
    groups = SecurityGroups("groups", walls, opts=opts)
    NetworkAcls("acls", NetworkAclsArgs(network, wanted.acls, former), opts=opts)
    if places := plan.of(ENDPOINTS):
        subnets = [network.subnets[one].id for one in places]
        Endpoints("endpoints", EndpointsArgs(vpc_id, subnets, groups.ids[ENDPOINTS], where), opts=opts)
    logs = FlowLogs("flow-logs", FlowLogsArgs(vpc_id, where, stack.log_retention_days), opts=opts)
    names = sorted(intent.network.segments)
    fronts = [name for name in names if stack.egress_of(name) is Egress.GATEWAY]
    return NetworkExports(
        vpc_id=vpc_id,
        security_group_id=groups.ids[fronts[0]] if fronts else None,
        cloudwatch_log_group_name=logs.log_group,
        nat_addresses=routing.nat_addresses,
        segments={name: _segment(name, network, groups, plan) for name in names},
    ).by_name()


def _vpc_args(stack: AwsStack, plan: AwsPlan, former: Former) -> VpcArgs:
    return VpcArgs(
        cidr=stack.vpc_cidr,
        plan=plan,
        internet=stack.uses(Egress.NAT, Egress.GATEWAY),
        resolver=stack.uses(Egress.ENDPOINTS, Egress.NAT, Egress.GATEWAY),
        private_names=stack.uses(Egress.ENDPOINTS),
        former=former,
    )


def _design(intent: Intent, plan: AwsPlan, stack: AwsStack) -> AwsDesign:
    """The policy as AWS says it, if it can, and if the account has room for it."""
    try:
        wanted = design(compile_policy(intent), plan, stack)
    except UnsupportedTermError as error:
        raise pulumi.RunError(f"nothing was changed: {error}; correct `flows` in network.yaml") from None
    if problems := list(excess(wanted, stack.quotas, f"Pulumi.{intent.stack_name}.yaml")):
        raise pulumi.RunError(str(InvalidInputError(problems)))
    return wanted


def _former(recorded: StackLock) -> Former:
    """Former names of segments; the lock has them for each zone."""
    names = {old.partition("/")[0]: now.partition("/")[0] for old, now in recorded.renamed.items()}
    return former_names(names)


def _segment(name: str, network: Vpc, groups: SecurityGroups, plan: AwsPlan) -> SegmentExport:
    subnets = (SubnetExport(one.zone, str(one.cidr), network.subnets[one].id) for one in plan.of(name))
    return SegmentExport(groups.ids[name], tuple(subnets))
