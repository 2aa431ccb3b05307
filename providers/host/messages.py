"""The lines of JSON between the plugin process and its pyinfra child."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, cast, get_args

from providers.host.connection import Connection
from providers.host.policy import HostState, InForce, Policy
from providers.host.sshd import SshServer
from providers.host.watched import Network, Pool, Watched

Verb = Literal["apply", "read", "remove", "watch", "mend", "knock"]


@dataclass(frozen=True)
class Request:
    """One thing to do on the host.

    Attributes:
        verb: what; a knock asks nothing but whether the host answers.
        connection: where.
        policy: the wanted policy (apply), or the last known one (read, remove); none for an import.
        in_force: what the last run recorded, if there was one.
        watched: networks and pools to look at (watch) or to put right (mend).
        sshd: the host's sshd, if it is that which is meant (apply, read, remove).
    """

    verb: Verb
    connection: Connection
    policy: Policy | None = None
    in_force: InForce | None = None
    watched: Watched | None = None
    sshd: SshServer | None = None

    def to_line(self) -> str:
        """One line, without its end."""
        return json.dumps(asdict(self))

    @classmethod
    def from_line(cls, line: str | bytes) -> "Request":
        """The request that a line holds.

        Raises:
            ValueError: the line is no request.
        """
        data = _object(line, "verb", "connection", "policy", "in_force", "watched", "sshd")
        if data["verb"] not in get_args(Verb):
            raise ValueError(f"unknown verb {data['verb']!r}")
        return cls(
            verb=data["verb"],
            connection=Connection(**data["connection"]),
            policy=_policy(data["policy"]),
            in_force=_in_force(data["in_force"]),
            watched=None if data["watched"] is None else _watched(data["watched"]),
            sshd=_sshd(data["sshd"]),
        )


@dataclass(frozen=True)
class Note:
    """Something that the owner has to hear while work is under way; the answer is still to come.

    Attributes:
        note: the sentence.
    """

    note: str

    def to_line(self) -> str:
        """One line, without its end."""
        return json.dumps(asdict(self))

    @classmethod
    def from_line(cls, line: str | bytes) -> "Note | None":
        """The note that a line holds, or none if it holds something else."""
        data: object = json.loads(line)
        match data:
            case {"note": str(text)}:
                return cls(text)
            case _:
                return None


@dataclass(frozen=True)
class Answer:
    """What came of it.

    Attributes:
        state: the host as it is now; none after a removal, or when nothing of ours is there.
        error: the sentence for the owner when it went wrong.
        half_done: whether the host may have been changed all the same.
        health: of each network and pool: `in force`, or a sentence.
        sshd: the host's sshd as it is now; none where nothing of ours is there.
    """

    state: HostState | None = None
    error: str = ""
    half_done: bool = False
    health: Mapping[str, str] = field(default_factory=dict[str, str])
    sshd: SshServer | None = None

    def to_line(self) -> str:
        """One line, without its end."""
        return json.dumps(asdict(self))

    @classmethod
    def from_line(cls, line: str | bytes) -> "Answer":
        """The answer that a line holds.

        Raises:
            ValueError: the line is no answer.
        """
        data = _object(line, "state", "error", "half_done", "health", "sshd")
        state, sshd = data["state"], _sshd(data["sshd"])
        if state is None:
            return cls(error=data["error"], half_done=data["half_done"], health=data["health"], sshd=sshd)
        policy, in_force = _policy(state["policy"]), _in_force(state["in_force"])
        if policy is None or in_force is None:
            raise ValueError("a state without its policy")
        return cls(state=HostState(policy, in_force), error=data["error"])


def _object(line: str | bytes, *names: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(line)
    if set(data) != set(names):
        raise ValueError(f"expected an object with {', '.join(names)}")
    return data


def _tuples(data: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(cast("list[str]", value)) if isinstance(value, list) else value for name, value in data.items()}


def _watched(data: dict[str, Any]) -> Watched:
    return Watched(
        networks={name: Network(**_tuples(one)) for name, one in data["networks"].items()},
        pools={name: Pool(**one) for name, one in data["pools"].items()},
        uplinks=tuple(data["uplinks"]),
    )


def _sshd(data: dict[str, Any] | None) -> SshServer | None:
    return None if data is None else SshServer(**_tuples(data))


def _policy(data: dict[str, Any] | None) -> Policy | None:
    return None if data is None else Policy(**_tuples(data))


def _in_force(data: dict[str, Any] | None) -> InForce | None:
    return None if data is None else InForce(**_tuples(data))
