"""network.yaml: the intent that every substrate shares."""

import re
from typing import Annotated

from pydantic import BeforeValidator, Field

from twinvpc.model.base import NAME, Block, ConfigModel, Name
from twinvpc.model.problems import Rejected, shown
from twinvpc.model.services import FORMS, parse_service
from twinvpc.model.source import as_items

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})+")
_LONGEST_DOMAIN = 200  # RFC 1035 allows 253; the rest is for names in front of it
_LONGEST_PURPOSE = 200


def _as_list(value: object) -> object:
    """`x` is short for `[x]`."""
    return [value] if isinstance(value, str) else value


def _services(value: object) -> object:
    """Check the form of every service that is not a name; names are resolved when the whole file is known."""
    entries = as_items(_as_list(value))
    if not entries:
        raise Rejected(
            f"{shown(value)} is not a list of services",
            rule=FORMS,
            way_out="write for example `any` or [tcp/443, icmp]",
        )
    for entry in entries:
        if not isinstance(entry, str):
            raise Rejected(f"{shown(entry)} is not a service", rule=FORMS, way_out="write it in one of these forms")
        if not NAME.fullmatch(entry):
            parse_service(entry)
    return tuple(entries)


def _switch(value: object) -> object:
    if isinstance(value, bool):
        return value
    if not isinstance(value, str) and not as_items(value):
        raise Rejected(
            f"{shown(value)} is no switch",
            rule="`internet` is true (everything), false (nothing, DNS forwarding included) or a list of services",
            way_out="write true, false or for example [tcp/443, udp/123]",
        )
    return _services(value)


def _domain(value: object) -> object:
    if isinstance(value, str) and len(value) <= _LONGEST_DOMAIN and _DOMAIN.fullmatch(value):
        return value
    raise Rejected(
        f"{shown(value)} is not a domain",
        rule="the domain of the segments is a lower-case DNS name with at least two labels",
        way_out="write for example `lab.local`",
    )


def _purpose(value: object) -> object:
    if isinstance(value, str) and len(value) <= _LONGEST_PURPOSE and (value.isprintable() or not value):
        return value
    raise Rejected(
        f"{shown(value)} is not a purpose",
        rule=f"a purpose is one printable line of at most {_LONGEST_PURPOSE} characters",
        way_out="shorten it; put numbers and dates in quotes",
    )


NodeList = Annotated[tuple[Name, ...], BeforeValidator(_as_list), Field(min_length=1)]
ServiceList = Annotated[tuple[str, ...], BeforeValidator(_services)]


class Segment(ConfigModel):
    """One segment of the network, on every substrate.

    Attributes:
        purpose: one line for people.
        internet: what the segment may open to public addresses: true everything, false nothing (DNS forwarding is
            closed too), or a list of services.
        renamed_from: the name it had until now; its addresses stay.
    """

    purpose: Annotated[str, BeforeValidator(_purpose)] = ""
    internet: Annotated[bool | tuple[str, ...], BeforeValidator(_switch)] = False
    renamed_from: Name | None = None

    @property
    def internet_services(self) -> tuple[str, ...]:
        """The switch as a list of services: `any`, none, or the owner's."""
        if isinstance(self.internet, bool):
            return ("any",) if self.internet else ()
        return self.internet


class Flow(ConfigModel):
    """Who may open connections to whom, for what. Answers always come back; the way round needs its own flow.

    Attributes:
        source: nodes that open (`from` in the file).
        destination: nodes that are opened to (`to` in the file).
        services: what may be opened.
    """

    source: NodeList = Field(alias="from")
    destination: NodeList = Field(alias="to")
    services: ServiceList


class Network(ConfigModel):
    """The whole of network.yaml.

    Attributes:
        domain: DNS domain of all segments.
        cidr: the block that every stack's segments are cut from.
        segments: by name.
        services: names the owner gives to services.
        flows: who may open what to whom; what no flow names is denied.
    """

    domain: Annotated[str, BeforeValidator(_domain)]
    cidr: Block
    segments: dict[Name, Segment] = Field(min_length=1)
    services: dict[Name, ServiceList] = Field(default_factory=dict)
    flows: tuple[Flow, ...] = ()
