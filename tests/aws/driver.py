"""Drives the stand-in as the engine does: check, then diff, then create, update, read or delete."""

import asyncio
import json
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pulumi.provider.experimental import provider as sdk

from sandbox.aws.standin.provider import StandIn
from sandbox.aws.standin.values import plain, properties

REGION = "ap-northeast-1"
T = TypeVar("T")
State = dict[str, Any]


class Driver:
    """One configured stand-in."""

    def __init__(self, tags: Mapping[str, str], log: Path) -> None:
        self.log = log
        self.provider = StandIn()
        settings = {"region": REGION, "defaultTags": json.dumps({"tags": dict(tags)})}
        self._wait(
            self.provider.configure(
                sdk.ConfigureRequest({}, properties(settings), accept_secrets=True, accept_resources=True)
            )
        )

    def check(self, token: str, inputs: State, name: str = "it", old: State | None = None) -> sdk.CheckResponse:
        request = sdk.CheckRequest(urn(token, name), properties(old or {}), properties(inputs), bytes(range(16)))
        return self._wait(self.provider.check(request))

    def faults(self, token: str, inputs: State) -> dict[str, str]:
        return {one.property: one.reason for one in self.check(token, inputs).failures or []}

    def create(self, token: str, inputs: State, name: str = "it") -> tuple[str, State]:
        checked = self.check(token, inputs, name)
        assert not checked.failures, [(one.property, one.reason) for one in checked.failures]
        made = self._wait(
            self.provider.create(sdk.CreateRequest(urn(token, name), checked.inputs or {}, 60, preview=False))
        )
        assert made.resource_id
        return made.resource_id, plain(made.properties)

    def diff(self, token: str, identity: str, state: State, inputs: State) -> sdk.DiffResponse:
        checked = self.check(token, inputs, old=state)
        request = sdk.DiffRequest(urn(token), identity, properties(state), checked.inputs or {}, [])
        return self._wait(self.provider.diff(request))

    def update(self, token: str, identity: str, state: State, inputs: State) -> State:
        checked = self.check(token, inputs, old=state)
        request = sdk.UpdateRequest(
            urn(token), identity, properties(state), checked.inputs or {}, 60, [], preview=False
        )
        return plain(self._wait(self.provider.update(request)).properties)

    def read(self, token: str, identity: str, state: State) -> State | None:
        found = self._wait(self.provider.read(sdk.ReadRequest(urn(token), identity, properties(state), {})))
        return plain(found.properties) if found.resource_id else None

    def delete(self, token: str, identity: str, state: State) -> None:
        self._wait(self.provider.delete(sdk.DeleteRequest(urn(token), identity, properties(state), 60)))

    def requests(self, operation: str) -> list[State]:
        entries = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [entry["parameters"] for entry in entries if entry["operation"] == operation]

    @staticmethod
    def _wait(call: Coroutine[Any, Any, T]) -> T:
        return asyncio.run(call)


def urn(token: str, name: str = "it") -> str:
    return f"urn:pulumi:aws::twin-vpc::{token}::{name}"
