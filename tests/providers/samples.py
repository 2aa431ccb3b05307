"""A small policy for the provider's tests, written by hand, and the engine's questions about it."""

from collections.abc import Mapping

from pulumi.provider.experimental import provider as sdk
from pulumi.provider.experimental.property_value import PropertyValue

from providers.host import wire

URN = "urn:pulumi:dell::twin-vpc::twin-host:index:NetworkPolicy::policy"
MARK = "0x1000000/0x1000000"

RULESET = """\
table inet twin_vpc {}
delete table inet twin_vpc

table inet twin_vpc {
    set bridges {
        type ifname
        elements = { "br-private", "br-public" }
    }
    chain sign {
        type filter hook prerouting priority mangle; policy accept;
        iifname @bridges meta mark set meta mark or 0x1000000 counter
    }
    chain forward {
        type filter hook forward priority filter - 10; policy accept;
        iifname "br-public" oifname "br-private" accept
        iifname @bridges oifname $uplinks accept
        iifname @bridges counter drop
    }
}

table inet twin_vpc_host {}
delete table inet twin_vpc_host

table inet twin_vpc_host {
    chain input {
        type filter hook input priority filter - 10; policy accept;
        iifname { "br-private", "br-public" } tcp dport 2200 counter drop
    }
}
"""

HELD = """\
table inet twin_vpc_held {
    flags owner
    chain input {
        type filter hook input priority filter - 8; policy accept;
        iifname { "br-private", "br-public" } tcp dport 2200 counter drop
    }
}
"""

ZONE = """\
<?xml version="1.0" encoding="utf-8"?>
<zone>
  <short>twin-vpc</short>
  <service name="dhcp"/>
  <service name="dns"/>
  <interface name="br-private"/>
  <interface name="br-public"/>
</zone>
"""

FORWARD = """\
<?xml version="1.0" encoding="utf-8"?>
<policy target="ACCEPT">
  <ingress-zone name="twin-vpc"/>
  <egress-zone name="ANY"/>
</policy>
"""

SYSCTL = """\
net.ipv4.ip_forward = 1
-net.ipv4.conf.br-public.rp_filter = 1
"""


def rules(*bridges: str) -> list[str]:
    """The second wall for some bridges."""
    return [f"iif {name} fwmark {MARK} lookup main" for name in bridges] + [f"iif {name} prohibit" for name in bridges]


def inputs(**changed: object) -> dict[str, object]:
    """Every input of the resource, some of them changed."""
    values: dict[str, object] = {
        "ruleset": RULESET,
        "held": HELD,
        "uplinks": [],
        "routingRules": rules("br-public", "br-private"),
        "routingRules6": ["iif br-public prohibit", "iif br-private prohibit"],
        "bridges": ["br-public", "br-private"],
        "retiredBridges": [],
        "blocks": {"br-public": "10.0.1.0/24", "br-private": "10.0.2.0/24"},
        "mark": MARK,
        "forwardedPorts": [],
        "zone": ZONE,
        "zonePolicies": {"twin-vpc-forward": FORWARD},
        "sysctl": SYSCTL,
    }
    return values | changed


def outputs(**changed: object) -> dict[str, object]:
    """Every output of the resource as a healthy run records them, some of them changed."""
    return (
        inputs()
        | {
            "uplinksInForce": ["eno1"],
            "firewalld": True,
            "ipForwardBefore": "0",
            "kernel": "sha256:" + 64 * "0",
            "service": "enabled",
        }
        | changed
    )


def check(values: Mapping[str, object]) -> sdk.CheckRequest:
    """The engine's question whether inputs are right."""
    return sdk.CheckRequest(URN, {}, wire.properties(values), b"")


def create(values: Mapping[str, object], *, preview: bool = False) -> sdk.CreateRequest:
    """The engine's order to create."""
    return sdk.CreateRequest(URN, wire.properties(values), 60, preview)


def update(
    olds: Mapping[str, PropertyValue], news: Mapping[str, object], *, preview: bool = False
) -> sdk.UpdateRequest:
    """The engine's order to update."""
    return sdk.UpdateRequest(URN, "twin-vpc", dict(olds), wire.properties(news), 60, [], preview)


def diff(olds: Mapping[str, object], news: Mapping[str, object], ignore: list[str] | None = None) -> sdk.DiffRequest:
    """The engine's question what changes."""
    return sdk.DiffRequest(URN, "twin-vpc", wire.properties(olds), wire.properties(news), ignore or [])


def read(olds: Mapping[str, object], resource_id: str = "twin-vpc") -> sdk.ReadRequest:
    """The engine's question what is there."""
    known = {name: value for name, value in olds.items() if name in inputs()}
    return sdk.ReadRequest(URN, resource_id, wire.properties(olds), wire.properties(known))


def delete(olds: Mapping[str, object]) -> sdk.DeleteRequest:
    """The engine's order to delete."""
    return sdk.DeleteRequest(URN, "twin-vpc", wire.properties(olds), 60)


def configure(**settings: object) -> sdk.ConfigureRequest:
    """Where the host is, as the engine says it."""
    return sdk.ConfigureRequest({}, wire.properties(settings), accept_secrets=False, accept_resources=False)
