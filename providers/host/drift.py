"""What the host is really like, compared with what it should be.

Whatever was changed by hand lands in the property that names it: a file's text in its own input, everything that has
no input of its own as a sentence in `kernel` or `service`. The engine records these, and the next `up` sees that they
are not what the program wants: so a refresh shows the change and the next `up` undoes it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from providers.host import kernel
from providers.host.earlier import earlier_rules
from providers.host.files import (
    DROP_IN,
    FOLDER,
    STAGED,
    SYSCTL,
    UNITS,
    ZONE,
    Manifest,
    docker_unit_text,
    hold_unit_text,
    nftables_text,
    shell,
    unit_text,
    uplinks_line,
    zone_policy_path,
)
from providers.host.policy import ENABLED, IN_FORCE, HostState, InForce, Policy

_SETTING = re.compile(r"^[ \t]*-?[ \t]*([A-Za-z0-9_./-]+)[ \t]*=[ \t]*(.*?)[ \t]*$", re.MULTILINE)
_DEVICE = re.compile(r"\bdev (\S+)")


@dataclass(frozen=True)
class Found:
    """A host as surveyed.

    Attributes:
        answers: the survey's answers by name.
    """

    answers: Mapping[str, str]

    def text(self, name: str) -> str:
        """One answer, without blanks around it."""
        return self.answers.get(name, "").strip()

    def file(self, path: str) -> str | None:
        """The text of a file, or none if it is not there."""
        return self.answers.get(f"file:{path}")

    @property
    def links(self) -> frozenset[str]:
        """Names of the host's network interfaces."""
        return frozenset(self.text("links").split())

    @property
    def has_firewalld(self) -> bool:
        """Whether firewalld is installed, running or not."""
        return self.text("firewalld") == "yes"

    @property
    def firewalld_runs(self) -> bool:
        """Whether firewalld is active."""
        return self.text("active").split("\n")[0] == "active"

    @property
    def default_uplinks(self) -> tuple[str, ...]:
        """Interfaces of the IPv4 default routes, each once, in the routing table's order."""
        return tuple(dict.fromkeys(_DEVICE.findall(self.text("routes"))))

    @property
    def manifest(self) -> Manifest | None:
        """What an earlier run wrote down on the host."""
        text = self.file(f"{FOLDER}/manifest.json")
        return None if text is None else Manifest.from_text(text)


def settings(sysctl: str) -> dict[str, str]:
    """Settings by name from the text of a sysctl file; a later line wins."""
    return {name: value for name, value in _SETTING.findall(sysctl) if name != "-"}


def files_to_read(policy: Policy | None) -> tuple[str, ...]:
    """Every file that may be ours."""
    names = () if policy is None else tuple(policy.zone_policies)
    own = tuple(
        f"{FOLDER}/{name}"
        for name in ("manifest.json", "ruleset.nft", "held.nft", "routing-rules", "routing-rules6", "load")
    )
    return (*own, STAGED, SYSCTL, *UNITS, DROP_IN, ZONE, *map(zone_policy_path, names))


def is_gone(found: Found) -> bool:
    """Whether nothing of ours is left: no file, no table, no rule."""
    if any(name.startswith("file:") for name in found.answers):
        return False
    held = kernel.canonical(found.answers.get("show", ""))
    return all(not text.strip() or text.strip() == "missing" for text in held.values())


def host_state(found: Found, policy: Policy, in_force: InForce) -> HostState:
    """The state that a refresh records.

    Args:
        found: a full survey.
        policy: as last applied.
        in_force: as last recorded.
    """
    seen = replace(
        policy,
        ruleset=_tables(found, "ruleset.nft", in_force.uplinks),
        held=_tables(found, "held.nft", in_force.uplinks),
        routing_rules=_rules(found, "routing-rules"),
        routing_rules6=_rules(found, "routing-rules6"),
        sysctl=found.file(SYSCTL) or "",
    )
    if found.has_firewalld and policy.zone:
        texts = {name: found.file(zone_policy_path(name)) for name in policy.zone_policies}
        seen = replace(
            seen,
            zone=found.file(ZONE) or "",
            zone_policies={name: text for name, text in texts.items() if text is not None},
        )
    return HostState(
        policy=seen,
        in_force=replace(
            in_force,
            firewalld=found.has_firewalld,
            kernel=_kernel(found, policy, in_force),
            service=_service(found, policy),
        ),
    )


def _tables(found: Found, name: str, uplinks: tuple[str, ...]) -> str:
    return (found.file(f"{FOLDER}/{name}") or "").removeprefix(uplinks_line(uplinks))


def _rules(found: Found, name: str) -> tuple[str, ...]:
    return tuple((found.file(f"{FOLDER}/{name}") or "").splitlines())


def _kernel(found: Found, policy: Policy, in_force: InForce) -> str:
    said = [*_tables_and_rules(found, in_force), *_around(found, policy, in_force)]
    if said:
        return "changed by hand: " + "; ".join(said)
    # An `up` that has not run since the drift was recorded leaves the sentence in the state; the digest of what is
    # there now is what it would write.
    return in_force.kernel if in_force.kernel.startswith(IN_FORCE) else kernel.digest(found.answers["show"])


def _tables_and_rules(found: Found, in_force: InForce) -> tuple[str, ...]:
    live = found.answers.get("show", "")
    if in_force.kernel == kernel.digest(live):
        return ()
    # Another nft may list the same tables in other words: what counts is what the files give with today's nft.
    wanted = found.answers.get("expected", "")
    if not wanted:
        return ("the files on the host can no longer be loaded",)
    return kernel.differences(live, wanted)


def _around(found: Found, policy: Policy, in_force: InForce) -> Iterator[str]:
    wanted = settings(policy.sysctl)
    for name, value in settings(found.text("settings")).items():
        if value and value != wanted.get(name, value):
            yield f"{name} is {value}, not {wanted[name]}"
    derived = found.default_uplinks
    if not policy.uplinks and derived and set(derived) != set(in_force.uplinks):
        yield f"the default route leaves by {', '.join(derived)}, the rule set says {', '.join(in_force.uplinks)}"
    if found.firewalld_runs and policy.zone and '"twin-vpc"' not in found.text("zones"):
        yield "firewalld runs without the zone twin-vpc"
    yield from earlier_rules(policy, found.text("rules"))
    yield from _docker(found, policy)


def _docker(found: Found, policy: Policy) -> Iterator[str]:
    lines = found.text("docker").replace('"', "").splitlines()
    ours = [line for line in lines if "--comment twin-vpc " in line]
    if "-P FORWARD DROP" in lines and "-N DOCKER-USER" in lines:
        wanted = f"-A DOCKER-USER -m mark --mark {policy.mark} -m comment --comment twin-vpc -j ACCEPT"
        if ours != [wanted]:
            yield "Docker's chain DOCKER-USER lacks our accept"


def _service(found: Found, policy: Policy) -> str:
    if found.file(STAGED) is not None:
        return "an earlier run was not finished"
    said: list[str] = []
    wanted = {
        f"{FOLDER}/load": shell("load"),
        UNITS[0]: unit_text(),
        UNITS[1]: hold_unit_text(),
        UNITS[2]: docker_unit_text(policy.mark),
        DROP_IN: nftables_text(),
    }
    for path, text in wanted.items():
        held = found.file(path)
        if held is None:
            said.append(f"{path} is missing")
        elif held != text:
            said.append(f"{path} was edited")
    said += _units(found)
    return "changed by hand: " + "; ".join(said) if said else ENABLED


def _units(found: Found) -> Iterator[str]:
    units = tuple(path.rpartition("/")[2] for path in UNITS)
    for unit, state in zip(units, found.text("enabled").splitlines(), strict=False):
        if state != "enabled":
            yield f"{unit} is {state}"
    docker = found.text("active").endswith("\nactive")
    for unit, state in zip(units, found.text("running").splitlines(), strict=False):
        # Anything else is on its way up; the last one follows Docker and sleeps without it.
        if state in {"inactive", "failed"} and (docker or unit != units[-1]):
            yield f"{unit} is stopped ({state})"


def imported(found: Found) -> tuple[Policy, InForce] | None:
    """What an import starts from, when the state knows nothing yet: the host's files; none without a manifest."""
    manifest = found.manifest
    if manifest is None:
        return None
    policies = {name: found.file(zone_policy_path(name)) or "" for name in manifest.zone_policies}
    policy = Policy(
        ruleset=_tables(found, "ruleset.nft", manifest.uplinks_in_force),
        held=_tables(found, "held.nft", manifest.uplinks_in_force),
        routing_rules=_rules(found, "routing-rules"),
        bridges=manifest.bridges,
        mark=manifest.mark,
        uplinks=manifest.uplinks,
        routing_rules6=_rules(found, "routing-rules6"),
        retired_bridges=manifest.retired_bridges,
        blocks=manifest.blocks,
        forwarded_ports=manifest.forwarded_ports,
        zone=found.file(ZONE) or "",
        zone_policies=policies,
        sysctl=found.file(SYSCTL) or "",
    )
    in_force = InForce(manifest.uplinks_in_force, found.has_firewalld, manifest.ip_forward_before, kernel="")
    return policy, in_force
