"""What differs, in sentences: from the steps of Pulumi's run to what, where, and the way back."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from operations.drift.steps import Step
from providers.host.watched import NOT_OURS

BY_HAND = "changed by hand: "
IN_FORCE = "in force"
POLICY = "twin-host:index:NetworkPolicy"
WATCH = "twin-host:index:NetworkWatch"
SSHD = "twin-host:index:SshServer"
UP = "`pulumi up` puts it back"
APPLIES = "`pulumi up` applies it; `pulumi preview --diff` shows it"
STRANGE = "`pulumi up` refuses to overwrite it; `make adopt` shows what would happen to it"

_OUR_OWN = (POLICY, SSHD)
_FILES: Mapping[str, str] = {
    "settings": "/etc/ssh/sshd_config.d/00-twin-vpc.conf",
    "ruleset": "/etc/twin-vpc/ruleset.nft",
    "held": "/etc/twin-vpc/held.nft",
    "routingRules": "/etc/twin-vpc/routing-rules",
    "routingRules6": "/etc/twin-vpc/routing-rules6",
    "sysctl": "/etc/sysctl.d/60-twin-vpc.conf",
    "zone": "/etc/firewalld/zones/twin-vpc.xml",
}
_NOT_ON_HOST = ("pulumi:pulumi:", "twin-vpc:")
_LONGEST = 90


@dataclass(frozen=True, order=True)
class Finding:
    """One thing that differs.

    Attributes:
        what: the thing, by the name that the host knows it by.
        said: how it differs.
        resource: the type of the resource that it belongs to.
        repair: what puts it right.
    """

    what: str
    said: str
    resource: str
    repair: str = UP

    def __str__(self) -> str:
        """As a line for people."""
        return f"{self.what}: {self.said}; {self.repair}"


def on_host(found: Sequence[Step]) -> tuple[Finding, ...]:
    """What the host holds otherwise than was recorded, or than a healthy run leaves it.

    Args:
        found: steps of a refresh that records nothing.
    """
    watched = [one for step in found if step.type_name == WATCH for one in _watch(step)]
    named = {one.what for one in watched}
    rest = [one for step in found for one in _other(step) if one.what not in named]
    return (*watched, *rest)


def in_files(planned: Sequence[Step], named: Sequence[Finding]) -> tuple[Finding, ...]:
    """What the files want otherwise than was recorded: a change not applied yet, or one that a refresh recorded.

    Args:
        planned: steps of a preview.
        named: what is known already.
    """
    # What is watched says again what networks and pools say; only where nothing is watched yet it speaks for itself.
    planned = [step for step in planned if (step.type_name, step.op) != (WATCH, "update")]
    known = {name for one in named for name in (one.what, one.resource)}
    return tuple(
        Finding(_thing(step), _said(step), step.type_name, APPLIES)
        for step in planned
        if step.differs and not step.type_name.startswith(_NOT_ON_HOST) and not {_thing(step), step.type_name} & known
    )


def _said(step: Step) -> str:
    return f"the files want it otherwise than it was recorded: {step.op} {', '.join(step.changed)}".strip()


def _watch(step: Step) -> Iterator[Finding]:
    for name, health in cast("Mapping[str, str]", step.after.get("health") or {}).items():
        if health != IN_FORCE:
            for said in health.removeprefix(BY_HAND).split("; "):
                yield Finding(name, said, WATCH, STRANGE if NOT_OURS in said else UP)


def _other(step: Step) -> Iterator[Finding]:
    if step.type_name == WATCH or not (step.differs or step.type_name in _OUR_OWN):
        return
    if step.op == "delete":
        yield Finding(_thing(step), "it is not there", step.type_name)
    elif step.type_name == POLICY:
        yield from _policy(step)
    elif step.type_name == SSHD:
        yield from _sshd(step)
    else:
        for path in step.changed or ("?",):
            now, before = _short(_at(step.after, path)), _short(_at(step.before, path))
            yield Finding(_thing(step), f"{path} is {now}, not {before}", step.type_name)


def _policy(step: Step) -> Iterator[Finding]:
    """The kernel and the units tell their own sentences, also those that a refresh has recorded already."""
    for name, healthy in (("kernel", "sha256:"), ("service", "enabled")):
        said = str(step.after.get(name, healthy))
        if not said.startswith(healthy):
            for one in said.removeprefix(BY_HAND).split("; "):
                yield Finding("policy in the kernel" if name == "kernel" else "policy at boot", one, POLICY)
    for name in dict.fromkeys(path.split(".")[0].split("[")[0] for path in step.changed):
        before, now = step.before.get(name), step.after.get(name)
        if name in _FILES:
            yield Finding(_FILES[name], _edited(_lines(before), _lines(now)), POLICY)
        elif name == "zonePolicies":
            yield from _zone_policies(cast("Mapping[str, str]", before or {}), cast("Mapping[str, str]", now or {}))
        elif name not in {"kernel", "service"}:
            yield Finding("policy", f"{name} is {_short(now)}, not {_short(before)}", POLICY)


def _sshd(step: Step) -> Iterator[Finding]:
    """Like the policy's: sentences, also those recorded already, and our own file."""
    state = str(step.after.get("state", IN_FORCE))
    if state != IN_FORCE:
        for one in state.removeprefix(BY_HAND).split("; "):
            yield Finding("sshd", one, SSHD)
    if "settings" in step.changed:
        yield Finding(
            _FILES["settings"], _edited(*(_lines(of.get("settings")) for of in (step.before, step.after))), SSHD
        )


def _zone_policies(before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[Finding]:
    for name in sorted({*before, *now}):
        if before.get(name) != now.get(name):
            path = f"/etc/firewalld/policies/{name}.xml"
            yield Finding(path, _edited(_lines(before.get(name)), _lines(now.get(name))), POLICY)


def _lines(text: object) -> Sequence[str]:
    if isinstance(text, list):
        return [str(line) for line in cast("list[object]", text)]
    return str(text or "").splitlines()


def _edited(before: Sequence[str], now: Sequence[str]) -> str:
    if not now:
        return "the file is missing or empty"
    for number, line in enumerate(now, start=1):
        if number > len(before):
            return f"the file was edited: a line {number} was added, {_short(line)}"
        if line != before[number - 1]:
            return f"the file was edited: line {number} is {_short(line)}, not {_short(before[number - 1])}"
    return f"the file was edited: {len(before) - len(now)} lines are missing at its end"


def _thing(step: Step) -> str:
    """What a resource is called in a sentence: `network public`, `pool twin-vpc-ssd`, `policy`."""
    if step.type_name in _OUR_OWN:
        return "policy" if step.type_name == POLICY else "sshd"
    kind = step.type_name.rpartition(":")[2]
    spaced = "".join(f" {char.lower()}" if char.isupper() else char for char in kind).strip()
    return f"{spaced} {step.on_host}"


def _at(values: object, path: str) -> object:
    """A value by Pulumi's path: names with dots between, places in lists and keys in brackets."""
    for part in path.replace("[", ".").replace("]", "").split("."):
        if isinstance(values, Mapping):
            values = cast("Mapping[str, object]", values).get(part.strip('"'))
        elif isinstance(values, list) and part.isdecimal():
            items = cast("list[object]", values)
            values = items[int(part)] if int(part) < len(items) else None
        else:
            return None
    return values


def _short(value: object) -> str:
    if value is None:
        return "nothing"
    text = " ".join(str(value).split())
    return f"`{text if len(text) <= _LONGEST else text[: _LONGEST - 1] + '…'}`"
