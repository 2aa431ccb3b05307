"""A take-over that has stopped half-way: who can be plugged in is, and what is left is told with both ways on."""

from collections.abc import Mapping

from operations.adopt.conflict import Wish
from operations.adopt.host import ask
from operations.adopt.survey import Survey
from operations.errors import OperationError
from operations.host import Remote

_OPEN = "open"


def stopped(
    remote: Remote, wish: Wish, moves: Mapping[str, str], *, stack: str, folder: str, why: str
) -> OperationError:
    """Plug in whoever has a network of ours already, and say how things stand.

    Args:
        remote: the host.
        wish: what the owner asked for.
        moves: network by MAC address, for interfaces that are to change.
        stack: the stack's name.
        folder: the backup.
        why: what broke off.

    Returns:
        The error to raise: how the host is left, how to go on, how to give everything back.
    """
    words = " ".join(["--yes", *(f"--move {machine}={segment}" for machine, segment in wish.moves.items())])
    return OperationError(
        f"{why}\nthe take-over has stopped half-way: {_state(remote, wish, moves)}. All of before is in {folder}\n"
        f'to go on: put right what is said above, then `make adopt STACK={stack} ARGS="{words}"`\n'
        f'to give everything back: `make adopt STACK={stack} ARGS="--undo --yes"`'
    )


def _state(remote: Remote, wish: Wish, moves: Mapping[str, str]) -> str:
    try:
        found = Survey.model_validate(ask(remote, "look"))
        standing = _standing(wish, found)
        failed = _plugged(remote, standing, moves) if standing else ""
        found = Survey.model_validate(ask(remote, "look"))
    except OperationError as unseen:
        return f"machines may be plugged into nothing, which cannot be seen ({unseen})"
    gone = [name for name in wish.bridges if found.network(name) is None]
    loose = sorted(one.name for one in found.machines if any(not interface.port_of for interface in one.now))
    said = [f"there is no network {', '.join(gone)}"] if gone else []
    said += [f"{', '.join(loose)} run on, plugged into nothing" if loose else "every machine is plugged in"]
    return "; ".join([*said, *([failed] if failed else [])])


def _standing(wish: Wish, found: Survey) -> dict[str, str]:
    """Networks of ours that are there already: none is without the policy."""
    return {
        one.name: one.bridge
        for one in found.networks
        if found.ours and one.active and one.mode == _OPEN and wish.bridges.get(one.name) == one.bridge
    }


def _plugged(remote: Remote, standing: Mapping[str, str], moves: Mapping[str, str]) -> str:
    """What went wrong, or nothing."""
    known = {mac: network for mac, network in moves.items() if network in standing}
    try:
        ask(remote, "reattach", bridges=dict(standing), moves=known)
    except OperationError as error:
        return str(error)
    return ""
