"""Between Pulumi's property values, plain JSON values and our frozen values."""

from collections.abc import Mapping
from typing import cast

from pulumi.provider.experimental.property_value import Computed, PropertyValue
from pulumi.runtime.rpc import UNKNOWN

from providers.host.checks import KINDS
from providers.host.policy import HostState, InForce, Policy


def plain(values: Mapping[str, PropertyValue]) -> dict[str, object]:
    """Plain values by name; what the engine does not know yet, in whole or in part, is left out."""
    return {name: _plain(value) for name, value in values.items() if not is_unknown(value)}


def is_unknown(value: PropertyValue) -> bool:
    """Whether the value, or anything inside it, is known only after another resource has been made."""
    inner = value.value
    # pulumi 3.259 hands the engine's sign for it on as text.
    if isinstance(inner, Computed) or inner == UNKNOWN:
        return True
    if isinstance(inner, tuple):
        return any(is_unknown(item) for item in inner)
    if isinstance(inner, Mapping):
        return any(is_unknown(item) for item in inner.values())
    return False


def _plain(value: PropertyValue) -> object:
    inner = value.value
    if isinstance(inner, tuple):
        return [_plain(item) for item in inner]
    if isinstance(inner, Mapping):
        return {name: _plain(item) for name, item in inner.items()}
    return inner


def property_value(value: object) -> PropertyValue:
    """The property value of a plain text, truth value, list or map."""
    if isinstance(value, str | bool):
        return PropertyValue(value)
    if isinstance(value, list | tuple):
        return PropertyValue([property_value(item) for item in cast("list[object]", value)])
    if isinstance(value, Mapping):
        return PropertyValue({name: property_value(item) for name, item in cast("Mapping[str, object]", value).items()})
    msg = f"{type(value).__name__} has no place in this resource"
    raise TypeError(msg)


def texts(value: object) -> dict[str, str]:
    """Texts by name, or none if that is not what the value is."""
    if not isinstance(value, Mapping):
        return {}
    return {str(name): str(text) for name, text in cast("Mapping[object, object]", value).items()}


def properties(values: Mapping[str, object]) -> dict[str, PropertyValue]:
    """Property values by name."""
    return {name: property_value(value) for name, value in values.items()}


def default(name: str) -> object:
    """What an input is when the program does not give it."""
    empty: dict[str, object] = {"text": "", "list of texts": [], "map of texts": {}}
    return empty[KINDS[name]]


def to_policy(values: Mapping[str, object]) -> Policy:
    """The policy from checked plain inputs; what is not given has its default."""
    full = {name: values.get(name) or default(name) for name in KINDS}

    def texts(name: str) -> tuple[str, ...]:
        return tuple(cast("list[str]", full[name]))

    return Policy(
        ruleset=str(full["ruleset"]),
        held=str(full["held"]),
        routing_rules=texts("routingRules"),
        bridges=texts("bridges"),
        mark=str(full["mark"]),
        uplinks=texts("uplinks"),
        routing_rules6=texts("routingRules6"),
        retired_bridges=texts("retiredBridges"),
        blocks=dict(cast("dict[str, str]", full["blocks"])),
        forwarded_ports=texts("forwardedPorts"),
        zone=str(full["zone"]),
        zone_policies=dict(cast("dict[str, str]", full["zonePolicies"])),
        sysctl=str(full["sysctl"]),
    )


def to_in_force(values: Mapping[str, object]) -> InForce:
    """What an earlier run recorded as being in force, from plain outputs."""
    return InForce(
        uplinks=tuple(cast("list[str]", values.get("uplinksInForce") or [])),
        firewalld=bool(values.get("firewalld")),
        ip_forward_before=str(values.get("ipForwardBefore") or ""),
        kernel=str(values.get("kernel") or ""),
        service=str(values.get("service") or ""),
    )


def inputs_of(policy: Policy) -> dict[str, object]:
    """The resource's inputs by their names on the wire."""
    return {
        "ruleset": policy.ruleset,
        "held": policy.held,
        "uplinks": list(policy.uplinks),
        "routingRules": list(policy.routing_rules),
        "routingRules6": list(policy.routing_rules6),
        "bridges": list(policy.bridges),
        "retiredBridges": list(policy.retired_bridges),
        "blocks": dict(policy.blocks),
        "mark": policy.mark,
        "forwardedPorts": list(policy.forwarded_ports),
        "zone": policy.zone,
        "zonePolicies": dict(policy.zone_policies),
        "sysctl": policy.sysctl,
    }


def outputs_of(state: HostState) -> dict[str, object]:
    """The resource's outputs: its inputs, and what only the host can tell."""
    return inputs_of(state.policy) | {
        "uplinksInForce": list(state.in_force.uplinks),
        "firewalld": state.in_force.firewalld,
        "ipForwardBefore": state.in_force.ip_forward_before,
        "kernel": state.in_force.kernel,
        "service": state.in_force.service,
    }
