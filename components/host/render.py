"""A plan and a policy as the texts that the host's provider takes."""

from components.host.resources import NetworkPolicyArgs, SshServerArgs
from twinvpc.addressing.plan import LibvirtPlan
from twinvpc.model.libvirt import LibvirtStack
from twinvpc.policy import firewalld, nftables, routing, sshd, sysctl
from twinvpc.policy.terms import Policy


def render(policy: Policy, plan: LibvirtPlan, stack: LibvirtStack) -> NetworkPolicyArgs:
    """Every text of the policy.

    Raises:
        UnsupportedTermError: a permission that the rules cannot express.
    """
    target = nftables.Target(plan, stack)
    return NetworkPolicyArgs(
        ruleset=nftables.render(policy, target),
        held=nftables.render_held(policy, target),
        routing_rules=routing.rules(policy, plan),
        routing_rules6=routing.rules6(plan),
        bridges=[segment.bridge for segment in plan.segments],
        retired_bridges=[old.bridge for old in plan.retired],
        blocks={place.bridge: str(place.cidr) for place in (*plan.segments, *plan.retired) if place.cidr},
        mark=routing.SIGNED,
        uplinks=stack.host.uplinks,
        forwarded_ports=[str(one.port) for one in policy.forwards],
        zone=firewalld.zone(policy, target),
        zone_policies=firewalld.zone_policies(policy, target),
        sysctl=sysctl.settings(plan),
    )


def render_sshd(stack: LibvirtStack) -> SshServerArgs:
    """The host's sshd, as H2 asks for it."""
    return SshServerArgs(sshd.drop_in(stack), [str(port) for port in sshd.ports(stack)], sshd.port_labels(stack))
