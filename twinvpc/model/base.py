"""The base of all configuration models, and the field types they share."""

import re
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Network
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict

from twinvpc.model.problems import Rejected, shown

LONGEST_INTERFACE = 15
"""Characters of a Linux interface name (IFNAMSIZ without its end mark)."""

# Python's \d and \w know the digits and letters of all scripts; rules and file names must not.
NAME = re.compile(r"[a-z](?:[a-z0-9]|-(?=[a-z0-9])){0,31}")
_INTERFACE = re.compile(rf"[A-Za-z0-9][A-Za-z0-9_.-]{{0,{LONGEST_INTERFACE - 1}}}")
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
_BLOCK = re.compile(r"[0-9.]{7,15}/(?:[0-9]|[12][0-9]|3[0-2])")


class ConfigModel(BaseModel):
    """A frozen model that refuses keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _name(value: object) -> str:
    if isinstance(value, str) and NAME.fullmatch(value):
        return value
    raise Rejected(
        f"{shown(value)} is not a name",
        rule="names are DNS labels: a-z, 0-9 and single hyphens, starting with a letter, at most 32 characters",
        way_out="rename it, for example `web-1`",
    )


def _interface(value: object) -> str:
    if isinstance(value, str) and _INTERFACE.fullmatch(value):
        return value
    raise Rejected(
        f"{shown(value)} is not the name of a network interface",
        rule=f"an interface name has 1 to {LONGEST_INTERFACE} characters: letters, digits, `_`, `.`, `-`",
        way_out="take the name that `ip link` shows on the host",
    )


def _network(value: object) -> IPv4Network:
    if isinstance(value, IPv4Network):
        return value
    block = None
    if isinstance(value, str) and _BLOCK.fullmatch(value):
        with suppress(ValueError):
            block = IPv4Network(value, strict=False)
    if block is not None and str(block) == value:
        return block
    if block is not None:
        raise Rejected(
            f"{shown(value)} has bits set behind its prefix length",
            rule="a CIDR block starts at its first address (RFC 4632)",
            way_out=f"write {block}",
        )
    raise Rejected(
        f"{shown(value)} is not an IPv4 block",
        rule="a block is an address and a prefix length, e.g. 10.0.1.0/24",
        way_out="write it as a.b.c.d/length",
    )


def _address(value: object) -> IPv4Address:
    if isinstance(value, IPv4Address):
        return value
    if isinstance(value, str):
        with suppress(ValueError):
            return IPv4Address(value)
    raise Rejected(
        f"{shown(value)} is not an IPv4 address",
        rule="an address has four numbers from 0 to 255, e.g. 10.0.1.5",
        way_out="write it as a.b.c.d",
    )


def _user(value: object) -> object:
    if isinstance(value, str) and _USER.fullmatch(value):
        return value
    raise Rejected(
        f"{shown(value)} is not a user",
        rule="user names have a-z, 0-9, `_`, `-`, at most 32 characters",
        way_out="write for example root",
    )


Name = Annotated[str, BeforeValidator(_name)]
"""A DNS label that is also safe in every rule, unit and file name."""

InterfaceName = Annotated[str, BeforeValidator(_interface)]
"""A Linux network interface."""

Block = Annotated[IPv4Network, BeforeValidator(_network)]
"""An IPv4 block, written with its prefix length."""

Address = Annotated[IPv4Address, BeforeValidator(_address)]
"""An IPv4 address."""

UserName = Annotated[str, BeforeValidator(_user)]
"""A login name of a Unix host."""
