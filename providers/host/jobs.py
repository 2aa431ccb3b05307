"""What is done on the host: the policy applied, read, removed; everything else handed on. Used by the child only."""

import re
from collections.abc import Sequence

from providers.host import drift, kernel, preflight, sshd_jobs
from providers.host.checks import uplink_is_bridge
from providers.host.commit import commit, new_guard
from providers.host.connection import config_key
from providers.host.deploy import install, knock, remove, stage
from providers.host.drift import Found
from providers.host.errors import HalfDoneError, HostError
from providers.host.files import Manifest, archive, guard_files, host_files
from providers.host.messages import Answer, Request
from providers.host.policy import HostState, InForce, Policy
from providers.host.runs import last_words, locked, run_name
from providers.host.session import Outcome, Session
from providers.host.watch_jobs import health, mended

_POSITION = re.compile(r"\S*/(ruleset\.nft|held\.nft|routing-rules6?):(\d+)[:\d-]*:?\s*")


def perform(request: Request, session: Session) -> Answer:
    """Do what is asked.

    Raises:
        HostError: it did not work; the message says what, why and what to do.
    """
    if request.sshd is not None:
        return Answer(sshd=sshd_jobs.perform(request.verb, request.sshd, session))
    if request.verb == "remove":
        _remove(request, session)
        return Answer()
    if request.verb == "knock":
        session.run(knock)
        return Answer()
    if request.verb == "read":
        return Answer(_read(request, session))
    if request.watched is not None:
        work = mended if request.verb == "mend" else health
        return Answer(health=work(request.watched, session))
    if request.policy is None:
        raise HostError("there is no policy to apply")
    return Answer(_apply(request.policy, session))


def _apply(policy: Policy, session: Session) -> HostState:
    found = Found(session.survey("brief", (), drift.files_to_read(None)[:1]))
    _require_root(found, session)
    uplinks = _uplinks(policy, found, session)
    if said := tuple(preflight.refusals(policy, found)):
        raise HostError(f"{session.connection.label}: nothing was changed: {'; '.join(said)}")
    before = found.manifest
    manifest = Manifest(
        bridges=policy.bridges,
        retired_bridges=policy.retired_bridges,
        mark=policy.mark,
        uplinks=policy.uplinks,
        uplinks_in_force=uplinks,
        zone_policies=tuple(sorted(policy.zone_policies)) if policy.zone else (),
        ip_forward_before=before.ip_forward_before if before else found.text("forward"),
        blocks=policy.blocks,
        forwarded_ports=policy.forwarded_ports,
    )
    files = host_files(policy, manifest, firewalld=found.has_firewalld)
    who = run_name()
    staged = session.run(stage, archive({**files, **guard_files("policy")}), who)
    if not staged.succeeded:
        raise _refused(staged, session)
    guard = new_guard(session, "policy", policy.all_bridges)
    installed = commit(session, guard, lambda: session.run(install, guard, policy.mark, who))
    if not installed.succeeded:
        raise _half_done(installed, session)
    if said := kernel.differences(installed.stdout, staged.stdout):
        raise HalfDoneError(
            f"{session.connection.label}: the policy was loaded, but right after that {'; '.join(said)}. "
            "Another program of the host rewrites it: find that one, then run `pulumi up` again"
        )
    in_force = InForce(uplinks, found.has_firewalld, manifest.ip_forward_before, kernel.digest(installed.stdout))
    return HostState(policy, in_force)


def _read(request: Request, session: Session) -> HostState | None:
    policy, in_force = request.policy, request.in_force
    if policy is None or in_force is None:
        known = drift.imported(Found(session.survey("brief", (), drift.files_to_read(None))))
        if known is None:
            return None
        policy, in_force = known
        found = _whole(policy, in_force, session)
        known = drift.imported(found)
        policy, in_force = known or (policy, in_force)
    else:
        found = _whole(policy, in_force, session)
    _require_root(found, session)
    return None if drift.is_gone(found) else drift.host_state(found, policy, in_force)


def _whole(policy: Policy, in_force: InForce, session: Session) -> Found:
    answers = session.survey("full", tuple(drift.settings(policy.sysctl)), drift.files_to_read(policy))
    if in_force.kernel == kernel.digest(answers.get("show", "")):
        return Found(answers)
    return Found({**answers, **session.survey("expected")})


def _remove(request: Request, session: Session) -> None:
    found = Found(session.survey("brief", (), drift.files_to_read(None)[:1]))
    _require_root(found, session)
    manifest, policy = found.manifest, request.policy
    before = manifest.ip_forward_before if manifest else request.in_force.ip_forward_before if request.in_force else ""
    bridges = dict.fromkeys((*(policy.all_bridges if policy else ()), *(manifest.all_bridges if manifest else ())))
    outcome = session.run(remove, before, tuple(bridges), run_name())
    if not outcome.succeeded:
        raise _not_removed(outcome, session, tuple(bridges))


def _require_root(found: Found, session: Session) -> None:
    here = session.connection
    if found.text("uid") != "0":
        raise HostError(f"{here.label} is not root there, and nft needs root; log in as root: {config_key('user')}")
    if missing := found.text("missing"):
        raise HostError(
            f"{here.label} lacks {missing}; install the packages nftables, iproute2 (iproute), util-linux, procps, tar"
        )


def _uplinks(policy: Policy, found: Found, session: Session) -> tuple[str, ...]:
    key = config_key("uplinks")
    uplinks = policy.uplinks or found.default_uplinks
    if not uplinks:
        raise HostError(
            f"{session.connection.label} has no IPv4 default route to derive the uplink from; name it in {key}"
        )
    for uplink in uplinks:
        if uplink in policy.all_bridges:
            raise HostError(uplink_is_bridge(uplink))
        if uplink not in found.links:
            known = ", ".join(sorted(found.links - set(policy.all_bridges) - {"lo"}))
            raise HostError(f"{key}: {session.connection.label} has no interface {uplink}; it has {known}")
    return uplinks


def _refused(outcome: Outcome, session: Session) -> HostError:
    if error := locked(outcome, session):
        return error
    text = _POSITION.sub(lambda m: f"{m[1]} line {m[2]}: ", outcome.stderr)
    first = next((line for line in text.splitlines() if "rror" in line or ".xml" in line), text or "it gave no reason")
    return HostError(f"{session.connection.label} refuses the policy, nothing was changed: {first}")


def _half_done(outcome: Outcome, session: Session) -> HostError:
    if error := locked(outcome, session):
        return error
    return HalfDoneError(
        f"{session.connection.label}: the policy is not wholly in force: {last_words(outcome)}. "
        "What was in force before still denies; correct the cause and run `pulumi up` again"
    )


def _not_removed(outcome: Outcome, session: Session, bridges: Sequence[str]) -> HostError:
    if error := locked(outcome, session):
        return error
    label = session.connection.label
    if outcome.stderr.strip() in bridges:
        bridge = outcome.stderr.strip()
        return HostError(
            f"{label} still has the bridge {bridge}: without the policy it would be open. Take its network away first "
            f"(`virsh net-destroy`, or `ip link delete {bridge}`), then run `pulumi destroy` again"
        )
    return HostError(f"{label}: the policy is not wholly removed: {last_words(outcome)}; run `pulumi destroy` again")
