"""A libvirt stack: the host's policy first, then the networks, with the pools beside them, and machines on both."""

from collections.abc import Mapping

import pulumi

from components import vpc as seam
from components.former import former_names
from components.host.policy import HostPolicy
from components.host.render import render, render_sshd
from components.host.resources import NetworkWatchArgs, TwinHost, TwinHostArgs
from components.host.sshd import HostSshd
from components.host.watch import NetworkWatch
from components.libvirt.machines import Ground, build_machines
from components.libvirt.pools import StoragePools, StoragePoolsArgs
from components.libvirt.provider import provider
from components.libvirt.vpc import Vpc, VpcArgs
from components.recovery import named_on_error
from twinvpc.addressing.lock import StackLock
from twinvpc.addressing.plan import LibvirtPlan, libvirt_plan
from twinvpc.model.libvirt import LibvirtStack
from twinvpc.model.load import Intent
from twinvpc.policy.terms import UnsupportedTermError, compile_policy


def build_libvirt(intent: Intent, stack: LibvirtStack, recorded: StackLock) -> Mapping[str, pulumi.Input[object]]:
    """Register everything and return what the stack exports.

    Raises:
        pulumi.RunError: the policy holds a permission that the host's rules cannot express; nothing was registered.
    """
    plan = libvirt_plan(stack, recorded)
    try:
        rules = render(compile_policy(intent), plan, stack)
    except UnsupportedTermError as error:
        raise pulumi.RunError(f"nothing was changed: {error}; correct `flows` in network.yaml") from None
    host = stack.host
    where = TwinHostArgs(host.address, host.port, host.user, host.key_file, host.known_hosts, host.confirm_seconds)
    twin_host = TwinHost("host", where)
    # Before anybody logs in for libvirt: while sshd reads its settings anew, there is a moment without it.
    sshd = [HostSshd("sshd", render_sshd(stack), opts=_by(twin_host))] if stack.sshd.managed else []
    libvirt = provider("libvirt", host, pulumi.ResourceOptions(depends_on=sshd))
    policy = HostPolicy("policy", rules, opts=_by(twin_host))
    hooks = named_on_error()
    segments = intent.network.segments
    network = Vpc(
        "vpc",
        VpcArgs(
            plan=plan,
            domain=intent.network.domain,
            closed=frozenset(name for name, segment in segments.items() if not segment.internet_services),
            former=former_names(recorded.renamed),
        ),
        opts=pulumi.ResourceOptions(providers=[libvirt], depends_on=[policy], hooks=hooks),
    )
    beside = pulumi.ResourceOptions(providers=[libvirt], hooks=hooks)
    pools = StoragePools("pools", StoragePoolsArgs(stack.pools), opts=beside)
    build_machines(stack, Ground(plan, intent.network.domain, network, pools), beside)
    NetworkWatch(
        "watch",
        NetworkWatchArgs(network.watched, pools.watched, host.uplinks),
        opts=_by(twin_host),
    )
    return _exports(network, pools, policy, plan)


def _by(provider: pulumi.ProviderResource) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions(providers=[provider])


def _exports(
    network: seam.Vpc, pools: StoragePools, policy: HostPolicy, plan: LibvirtPlan
) -> Mapping[str, pulumi.Input[object]]:
    return {
        "segments": {
            name: {"cidr": subnet.cidr, "router": subnet.router, "bridge": subnet.attachment}
            for name, segment in network.outputs.segments.items()
            for subnet in segment.subnets
        },
        "pools": pools.names,
        "machines": {
            one.name: {"segment": one.segment, "address": str(one.address), "ssh_port": one.ssh_port}
            for one in plan.machines
        },
        "uplinks": policy.uplinks,
        "firewalld": policy.firewalld,
    }
