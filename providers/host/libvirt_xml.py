"""A libvirt network's XML: read as facts, compared with what it should be, and written."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from io import BytesIO
from ipaddress import IPv4Network
from typing import NoReturn
from xml.parsers import expat

from providers.host.watched import Network, Pool

_KNOWN = frozenset(
    {"name", "uuid", "forward", "bridge", "mac", "domain", "dns", "ip", "dnsmasq:options", "dns/host", "ip/dhcp"}
)
_KNOWN_OF_BRIDGE = frozenset({"name", "stp", "delay"})
_NAMESPACE = "http://libvirt.org/schemas/network/dnsmasq/1.0"


class BadXmlError(ValueError):
    """A text is not the XML that libvirt writes."""


@dataclass
class Element:
    """An element with its attributes, children and text."""

    tag: str
    attributes: Mapping[str, str] = field(default_factory=dict[str, str])
    children: "list[Element]" = field(default_factory=list["Element"])
    text: str = ""

    def all(self, path: str) -> "list[Element]":
        """Elements at a path of tags below this one."""
        found: list[Element] = [self]
        for tag in path.split("/"):
            found = [child for one in found for child in one.children if child.tag == tag]
        return found

    def of(self, path: str, attribute: str) -> str:
        """An attribute of the first element at a path, or nothing."""
        return next((one.attributes.get(attribute, "") for one in self.all(path)), "")


def parse(text: str) -> Element:
    """The root element of a document.

    Raises:
        BadXmlError: it is none, or it defines entities, which libvirt never does.
    """
    root = Element("")
    open_ = [root]

    def start(tag: str, attributes: dict[str, str]) -> None:
        element = Element(tag, attributes)
        open_[-1].children.append(element)
        open_.append(element)

    def end(_: str) -> None:
        open_.pop()

    def data(piece: str) -> None:
        open_[-1].text += piece

    def refuse(*_: object) -> NoReturn:
        raise BadXmlError("a document type in libvirt's XML")

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = data, refuse
    try:
        parser.ParseFile(BytesIO(text.encode()))
    except expat.ExpatError as error:
        raise BadXmlError(str(error)) from None
    return root.children[0]


def differences(root: Element, wanted: Network) -> Iterator[str]:
    """What a network's XML says otherwise than it should, a sentence each."""
    mode = root.of("forward", "mode") or ("nat" if root.all("forward") else "isolated")
    if mode != "open":
        yield f"its mode is {mode}, not open"
    if root.of("bridge", "name") != wanted.bridge:
        yield f"its bridge is {root.of('bridge', 'name') or 'none'}, not {wanted.bridge}"
    addresses = [_address(one) for one in root.all("ip")]
    if addresses != [wanted.address]:
        yield f"its address is {_listed(addresses)}, not {wanted.address}"
    leased = [f"{one.attributes.get('start')}-{one.attributes.get('end')}" for one in root.all("ip/dhcp/range")]
    if leased != ([wanted.leased] if wanted.leased else []):
        yield f"it leases {_listed(leased)}, not {wanted.leased or 'nothing'}"
    yield from _names(root, wanted)
    options = tuple(one.attributes.get("value", "") for one in root.all("dnsmasq:options/dnsmasq:option"))
    for option in sorted(set(wanted.options) - set(options)):
        yield f"dnsmasq's option {option} is missing"
    for option in sorted(set(options) - set(wanted.options)):
        yield f"dnsmasq has the option {option}, which is not ours"
    yield from _strange(root)


def _names(root: Element, wanted: Network) -> Iterator[str]:
    if (root.of("domain", "name"), root.of("domain", "localOnly")) != (wanted.domain, "yes"):
        yield f"its domain is {root.of('domain', 'name') or 'none'}, not {wanted.domain} answered here only"
    if root.of("dns", "enable") == "no":
        yield "its DNS server is switched off"
    hosts = {
        (host.attributes.get("ip", ""), name.text.strip())
        for host in root.all("dns/host")
        for name in host.all("hostname")
    }
    for address, name in sorted(set(wanted.hosts.items()) - hosts):
        yield f"its DNS server lacks {name} ({address})"
    for address, name in sorted(hosts - set(wanted.hosts.items())):
        yield f"its DNS server says {name} ({address}), which is not ours"


def _strange(root: Element) -> Iterator[str]:
    paths = [child.tag for child in root.children]
    paths += [f"{tag}/{child.tag}" for tag in ("dns", "ip") for one in root.all(tag) for child in one.children]
    for path in dict.fromkeys(path for path in paths if path not in _KNOWN):
        yield f"it has <{path}>, which is not ours"
    for one in root.all("bridge"):
        for name in sorted(one.attributes.keys() - _KNOWN_OF_BRIDGE):
            yield f"its bridge has {name}={one.attributes[name]}, which is not ours"
    if root.attributes.get("ipv6") == "yes":
        yield "it lets guests talk IPv6"


def _address(ip: Element) -> str:
    prefix = ip.attributes.get("prefix")
    if prefix is None and "netmask" in ip.attributes:
        prefix = str(IPv4Network(f"0.0.0.0/{ip.attributes['netmask']}").prefixlen)
    return f"{ip.attributes.get('address')}/{prefix}"


def _listed(texts: Sequence[str]) -> str:
    return ", ".join(texts) or "none"


def network_xml(name: str, wanted: Network, held: Element | None) -> str:
    """The definition of a network.

    Args:
        name: its name.
        wanted: what it should be.
        held: what the host has under that name: its bridge keeps its MAC address, which guests have in their caches,
            and its reservations stay.
    """
    mac = held.of("mac", "address") if held else ""
    card = f"<mac address='{escape(mac)}'/>" if mac else ""
    reservations = [one.attributes for one in held.all("ip/dhcp/host")] if held and wanted.leased else []
    hosts = "".join(
        f"<host ip='{escape(address)}'><hostname>{escape(host)}</hostname></host>"
        for address, host in sorted(wanted.hosts.items())
    )
    first, _, last = wanted.leased.partition("-")
    kept = "".join(f"<host{_attributes(one)}/>" for one in reservations)
    dhcp = f"<dhcp><range start='{first}' end='{last}'/>{kept}</dhcp>" if wanted.leased else ""
    options = "".join(f"<dnsmasq:option value='{escape(option)}'/>" for option in wanted.options)
    return (
        f"<network xmlns:dnsmasq='{_NAMESPACE}'><name>{escape(name)}</name><uuid>{wanted.uuid}</uuid>"
        f"<forward mode='open'/><bridge name='{wanted.bridge}' stp='on' delay='0'/>"
        f"{card}"
        f"<domain name='{escape(wanted.domain)}' localOnly='yes'/><dns enable='yes'>{hosts}</dns>"
        f"<ip family='ipv4' address='{wanted.interface.ip}' prefix='{wanted.interface.network.prefixlen}'>{dhcp}</ip>"
        f"<dnsmasq:options>{options}</dnsmasq:options></network>"
    )


def pool_xml(name: str, wanted: Pool) -> str:
    """The definition of a pool."""
    return (
        f"<pool type='dir'><name>{escape(name)}</name><uuid>{wanted.uuid}</uuid>"
        f"<target><path>{escape(wanted.folder)}</path></target></pool>"
    )


def _attributes(values: Mapping[str, str]) -> str:
    return "".join(f" {name}='{escape(value)}'" for name, value in sorted(values.items()))
