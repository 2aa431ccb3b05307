"""A small network of the tests' own, through the real model, plan and renderers."""

from components.host.render import render
from components.host.resources import NetworkPolicyArgs
from twinvpc.addressing.lock import Lock
from twinvpc.addressing.plan import LibvirtPlan, libvirt_plan, record
from twinvpc.model.libvirt import LibvirtStack
from twinvpc.model.load import Intent, load
from twinvpc.model.source import Source
from twinvpc.policy.terms import compile_policy

NETWORK = {
    "domain": "lab.local",
    "cidr": "10.0.0.0/16",
    "segments": {"web": {"internet": True}, "data": {"internet": False}},
    "flows": [{"from": "web", "to": "data", "services": "tcp/5432"}],
}
STACK = {
    "kind": "libvirt",
    "host": {
        "address": "192.168.1.10", "port": 2200, "lan": "192.168.1.0/24", "uplinks": ["eno1"],
        "key_file": "~/.ssh/id", "known_hosts": "~/.ssh/known",
    },
    "docker": {"pool": "172.17.0.0/16", "swarm_pool": "172.18.0.0/16"},
    "segments": {
        "web": {"cidr": "10.0.1.0/24", "dhcp": "10.0.1.100-10.0.1.200", "ssh_ports": "2211-2230"},
        "data": {"cidr": "10.0.3.0/24", "static": {"db1": "10.0.3.10"}, "ssh_ports": "2251-2260"},
    },
    "pools": {"ssd": "/var/lib/libvirt/images/twin-vpc", "hdd": "/data/kvm/images/twin-vpc"},
}  # fmt: skip


def intent() -> Intent:
    return load(Source("network.yaml", NETWORK), Source("Pulumi.dell.yaml", STACK), "dell")


def stack() -> LibvirtStack:
    found = intent().stack
    assert isinstance(found, LibvirtStack)
    return found


def plan() -> LibvirtPlan:
    return libvirt_plan(stack(), record(intent(), Lock()).of("dell"))


def policy_args() -> NetworkPolicyArgs:
    return render(compile_policy(intent()), plan(), stack())
