"""addresses.lock.json: which block every name has had, for each stack. Committed, so that nothing moves unseen."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, model_validator

from twinvpc.model.base import Block, ConfigModel
from twinvpc.model.problems import InvalidInputError, Problem, Rejected, shown
from twinvpc.model.source import dotted
from twinvpc.model.wording import path_of

LOCK_FILE = "addresses.lock.json"
LockKey = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,31}(/[a-z][a-z0-9-]{0,31})?$")]

_RULE = "the lock is written by `make lock-addresses`, not by hand"
_WAY_OUT = "restore it from the last commit"


class StackLock(ConfigModel):
    """What one stack's names have been given.

    Attributes:
        blocks: blocks in use, by segment (libvirt) or `segment/zone` (AWS).
        removed: tombstones: blocks of names that are gone; nobody else gets them.
        renamed: former names, and what they are called now.
    """

    blocks: dict[LockKey, Block] = Field(default_factory=dict)
    removed: dict[LockKey, Block] = Field(default_factory=dict)
    renamed: dict[LockKey, LockKey] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _each_address_and_name_once(self) -> Self:
        for name in (self.blocks.keys() & self.removed.keys()) | (self.blocks.keys() & self.renamed.keys()):
            raise Rejected(f"`{name}` is in use and gone at once", rule=_RULE, way_out=_WAY_OUT)
        widest: tuple[IPv4Network, str] | None = None
        for block, name in sorted(
            (block, name) for part in (self.blocks, self.removed) for name, block in part.items()
        ):
            if widest is not None and block.overlaps(widest[0]):
                what = f"{block} of `{name}` overlaps {widest[0]} of `{widest[1]}`"
                raise Rejected(what, rule="no address is recorded twice, tombstones included", way_out=_WAY_OUT)
            widest = block, name  # blocks are whole powers of two: none but the last can reach over the next
        return self


class _LockFile(ConfigModel):
    version: Literal[1]
    stacks: dict[str, StackLock]


@dataclass(frozen=True)
class Lock:
    """The lock of all stacks."""

    stacks: Mapping[str, StackLock] = field(default_factory=dict[str, StackLock])

    def of(self, stack_name: str) -> StackLock:
        """One stack's part; empty if it has none yet."""
        return self.stacks.get(stack_name, StackLock())

    def with_stack(self, stack_name: str, stack: StackLock) -> "Lock":
        """The same lock with one stack's part replaced."""
        return Lock({**self.stacks, stack_name: stack})

    def text(self) -> str:
        """The file's content: sorted, one name a line, so that a merge conflict shows two branches at one block."""
        stacks = {name: self.stacks[name].model_dump(mode="json") for name in self.stacks}
        return json.dumps({"version": 1, "stacks": stacks}, indent=2, sort_keys=True) + "\n"


def read_lock(root: Path) -> Lock:
    """Read the lock file of a folder; a missing file is an empty lock.

    Raises:
        InvalidInputError: the file cannot be read as a lock. It is never guessed at: addresses depend on it.
    """
    path = root / LOCK_FILE
    if not path.exists() and not path.is_symlink():  # a link to nowhere is a lock that got lost, not a new project
        return Lock()
    try:
        raw: object = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_once)
        return Lock(_LockFile.model_validate(raw).stacks)
    except ValidationError as error:
        problems = [
            _problem(dotted(path_of(d)), _what(d["msg"], d.get("ctx", {}).get("error")))
            for d in error.errors(include_url=False)
        ]
    except OSError as error:
        problems = [
            Problem(LOCK_FILE, "", error.strerror or "unreadable", "the lock must be readable", "check its mode")
        ]
    except json.JSONDecodeError as error:
        problems = [Problem(LOCK_FILE, "", f"not JSON: {error.msg}", _RULE, _WAY_OUT, error.lineno)]
    except Rejected as error:
        problems = [_problem("", error.what)]
    except (ValueError, RecursionError):  # not UTF-8, numbers without end, brackets without end
        problems = [_problem("", "not the text of a lock")]
    raise InvalidInputError(problems)


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object whose keys stand once: two branches that both added a name merge into a file that JSON lets pass."""
    found: dict[str, object] = {}
    for key, value in pairs:
        if key in found:
            raise Rejected(f"key {shown(key)} stands twice", rule=_RULE, way_out=_WAY_OUT)
        found[key] = value
    return found


def _what(message: str, rejected: object) -> str:
    return rejected.what if isinstance(rejected, Rejected) else message


def _problem(path: str, what: str) -> Problem:
    return Problem(LOCK_FILE, path, what, _RULE, _WAY_OUT)
