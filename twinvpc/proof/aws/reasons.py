"""Why a way is closed, in explanation codes of AWS's Reachability Analyzer (Amazon VPC documentation)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from twinvpc.model.services import Protocol, Service
from twinvpc.proof.aws.evaluate import ALL_LAYERS, answered
from twinvpc.proof.aws.paths import Check, Layer, Leg
from twinvpc.proof.aws.ports import CONCRETE, FULL, Ports, covers, span
from twinvpc.proof.aws.wiring import Wiring

MEANING: Mapping[str, str] = {
    "BAD_STATE": "is not in a functional state",
    "BAD_STATE_ATTACHMENT": "leads to a gateway that is not attached to the VPC",
    "BAD_STATE_ROUTE": "has a route that leads nowhere",
    "ENI_SG_RULES_MISMATCH": "has no rule that applies",
    "IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS": "does not lead to an Internet gateway, so nobody has a public address",
    "MORE_SPECIFIC_ROUTE": "has a more specific route than the local one",
    "NO_POSSIBLE_DESTINATION": "is reached by no endpoint of this VPC under its own name",
    "NO_ROUTE_TO_DESTINATION": "has no applicable route",
    "SG_HAS_NO_RULES": "has no rules in this direction",
    "SUBNET_ACL_RESTRICTION": "does not admit it",
    "VPCE_GATEWAY_PROTOCOL_RESTRICTION": "accepts only TCP and ICMP",
}
_KINDS = {Layer.GROUPS: "security group", Layer.ACLS: "network ACL", Layer.ROUTES: "route table"}
_OTHERS = {
    "NO_POSSIBLE_DESTINATION": "service",
    "VPCE_GATEWAY_PROTOCOL_RESTRICTION": "gateway endpoint",
    "BAD_STATE": "NAT gateway",
}


@dataclass(frozen=True, order=True)
class Reason:
    """One thing that stands in the way.

    Attributes:
        code: Reachability Analyzer's explanation code.
        component: kind and name of what stands there.
        way: `egress`, `ingress`, or empty for routes.
        answer: whether it stops the answer, not the opening.
        peer: the other side: a subnet, a service, or the Internet.
    """

    code: str
    component: str
    way: str
    answer: bool
    peer: str

    def __str__(self) -> str:
        """`SUBNET_ACL_RESTRICTION: network ACL database does not admit it (answer, egress, to web-a)`."""
        towards = "from" if self.way == "ingress" else "to"
        words = [*(["answer"] if self.answer else []), *([self.way] if self.way else []), f"{towards} {self.peer}"]
        return f"{self.code}: {self.component} {MEANING[self.code]} ({', '.join(words)})"


def wanted(service: Service) -> Ports:
    """What has to pass for a service to be open."""
    if service.protocol is Protocol.ICMP:
        return Ports((), (), FULL.icmp)
    return span(service.protocol, service.first, service.last)


def stops(check: Check, service: Ports) -> bool:
    """Whether a check lets less through than a service needs."""
    passes = check.passes if check.leg is Leg.FORWARD else answered(check.passes, check.leg)[0]
    return not all(covers(passes.of(one), service.of(one)) for one in CONCRETE)


def reasons(
    wiring: Wiring, checks: Iterable[Check], service: Service, layers: frozenset[Layer] = ALL_LAYERS
) -> tuple[Reason, ...]:
    """Everything on a path that stands in a service's way, in the order in which it is met, each once."""
    needs = wanted(service)
    found = [_reason(wiring, one) for one in checks if one.layer in layers and stops(one, needs)]
    return tuple(dict.fromkeys(found))


def _reason(wiring: Wiring, check: Check) -> Reason:
    code = check.code
    if check.layer is Layer.ACLS:
        code = "SUBNET_ACL_RESTRICTION"
    elif check.layer is Layer.GROUPS:
        rules = [rule for key in check.keys for rule in wiring.groups[key].rules if rule.egress is check.egress]
        code = "ENI_SG_RULES_MISMATCH" if rules else "SG_HAS_NO_RULES"
    kind = _OTHERS.get(code, _KINDS[check.layer])
    way = "" if check.layer is Layer.ROUTES else "egress" if check.egress else "ingress"
    # Groups do not tell a node's subnets apart, unless it is a service.
    peer = check.peer.service or check.peer.node if check.layer is Layer.GROUPS else check.peer.label
    return Reason(code, f"{kind} {', '.join(check.keys)}", way, check.leg is not Leg.FORWARD, peer)
