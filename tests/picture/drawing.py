"""Networks to draw, and a picture read back into figures."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from tests.model.machines import KEY
from twinvpc.addressing.lock import Lock, read_lock
from twinvpc.addressing.plan import record
from twinvpc.model.files import load_stack, read_yaml, stack_source
from twinvpc.model.load import Intent, load
from twinvpc.model.source import Source
from twinvpc.picture.layout import TEXT_LETTER, layout
from twinvpc.picture.scene import Scene, beside, scene
from twinvpc.picture.svg import draw
from twinvpc.proof.cells import Matrix
from twinvpc.proof.intent import matrix

ROOT = Path(__file__).resolve().parents[2]
PORTS = ROOT / "tests" / "fixtures" / "ports"
_SVG = "{http://www.w3.org/2000/svg}"


@dataclass(frozen=True)
class Drawn:
    """A stack, what was intended, and its picture."""

    matrix: Matrix
    scene: Scene
    svg: str


@dataclass(frozen=True)
class Box:
    """A rectangle that something takes up."""

    what: str
    left: float
    top: float
    right: float
    bottom: float

    def touches(self, other: "Box") -> bool:
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )

    def inside(self, other: "Box") -> bool:
        return (
            other.left <= self.left
            and self.right <= other.right
            and other.top <= self.top
            and self.bottom <= other.bottom
        )


def drawn(intents: list[Intent], lock: Lock | None = None) -> list[Drawn]:
    lock = lock or Lock()
    for intent in intents:
        lock = record(intent, lock)
    scenes = beside(scene(intent, lock.of(intent.stack_name), matrix(intent)) for intent in intents)
    plan = layout(scenes)
    return [Drawn(matrix(i), s, draw(s, plan)) for i, s in zip(intents, scenes, strict=True)]


def own() -> list[Drawn]:
    return drawn([load_stack(ROOT, name) for name in ("aws", "dell")], read_lock(ROOT))


def ports() -> list[Drawn]:
    return drawn([load_stack(PORTS, "dell")], read_lock(PORTS))


TWELVE = (
    "management", "public", "private", "database", "container", "builds",
    "monitoring", "guests", "voice", "printers-up", "iot", "backup",
)  # fmt: skip


def twelve_files(names: tuple[str, ...] = TWELVE) -> tuple[dict[str, object], dict[str, object], dict[str, object]]:
    """network.yaml, a libvirt stack and an AWS stack of twelve segments; mappings in the order of `names`."""
    segments = {name: {"internet": True if name < "f" else ["tcp/443", "udp/123"]} for name in names}
    flows = [
        {"from": "management", "to": list(TWELVE[1:]), "services": "any"},
        {"from": "monitoring", "to": ["public", "private", "iot"], "services": ["icmp", "tcp/9100", "udp/161"]},
        {"from": ["public", "guests"], "to": ["private", "container"], "services": "app"},
        {"from": "private", "to": "database", "services": [f"tcp/{port}" for port in range(5000, 5400, 20)]},
        {"from": "lan", "to": ["public", "iot", "printers-up"], "services": ["tcp/80", "tcp/443"]},
        {"from": "docker0", "to": "database", "services": "tcp/5432"},
        {"from": "tailnet", "to": "management", "services": "tcp/22"},
        {"from": "management", "to": "host", "services": "host-ssh"},
    ]
    network: dict[str, object] = {"domain": "lab.local", "cidr": "10.0.0.0/16", "segments": segments, "flows": flows}
    network["services"] = {"app": "tcp/8080-8081"}
    blocks = {
        name: {
            "cidr": f"10.0.{TWELVE.index(name)}.0/24",
            "dhcp": f"10.0.{TWELVE.index(name)}.100-10.0.{TWELVE.index(name)}.200",
            "ssh_ports": f"{2301 + 10 * TWELVE.index(name)}-{2310 + 10 * TWELVE.index(name)}",
        }
        for name in names
    }
    libvirt: dict[str, object] = {
        "kind": "libvirt",
        "host": {"address": "192.168.1.10", "port": 2200, "uplinks": ["eno1"], "lan": "192.168.1.0/24"},
        "docker": {"pool": "172.17.0.0/16", "swarm_pool": "172.18.0.0/16"},
        "tailnet": {},
        "segments": blocks,
    }
    aws: dict[str, object] = {
        "kind": "aws",
        "aws_region": "ap-northeast-1",
        "environment": "test",
        "vpc_cidr": "10.0.0.0/16",
        "zones": ["ap-northeast-1a", "ap-northeast-1c", "ap-northeast-1d"],
    }
    return network, libvirt, aws


def twelve(names: tuple[str, ...] = TWELVE) -> list[Drawn]:
    network, libvirt, aws = twelve_files(names)
    stacks = (("aws", aws), ("dell", libvirt))
    return drawn([load(Source("network.yaml", network), Source(f"Pulumi.{n}.yaml", own), n) for n, own in stacks])


def odd() -> list[Drawn]:
    """Names as long as they may be, three zones, and lists of services too many for one letter each."""
    names = ("printers-and-scanners-upstairs-x", "abcdefghijklmnopqrstuvwxyzabcdef", *(f"s{i}" for i in range(6)))
    _, _, aws = twelve_files()
    pairs = [(s, d) for s in names for d in names if s != d]
    flows = [{"from": s, "to": d, "services": f"tcp/{port}"} for port, (s, d) in enumerate(pairs, 1000)]
    network = {"domain": "lab.local", "cidr": "10.0.0.0/16", "segments": {name: {} for name in names}, "flows": flows}
    return drawn([load(Source("network.yaml", network), Source("Pulumi.aws.yaml", aws), "aws")])


def machines() -> list[Drawn]:
    """The owner's segments with as many machines as he may have, one with a name as long as it may be."""
    source = stack_source(ROOT / "Pulumi.dell.yaml")
    assert isinstance(source.mapping, dict)
    common = {"vcpu": 1, "memory": "1 GiB", "disk": "8 GiB", "image": "debian", "pool": "ssd", "user": "owner"}
    places = [
        ("web-1", "public", 1, 10, 2211), ("web-2", "public", 1, 11, 2212),
        ("front-end-of-the-whole-place-x", "public", 1, 12, 2213),
        ("db-1", "database", 3, 10, 2251), ("db-2", "database", 3, 11, 2252), ("app", "private", 2, 10, 2231),
        ("jump", "management", 0, 60, 2201), ("builds", "container", 4, 10, 2261),
    ]  # fmt: skip
    own = {
        name: {**common, "segment": segment, "address": f"10.0.{block}.{host}", "ssh_port": port, "keys": [KEY]}
        for name, segment, block, host, port in places
    }
    images = {"debian": {"source": "/srv/debian.qcow2", "sha256": "c3" * 32}}
    stack = Source("Pulumi.dell.yaml", {**source.mapping, "images": images, "machines": own})
    return drawn([load(read_yaml(ROOT / "network.yaml"), stack, "dell")], read_lock(ROOT))


def parsed(svg: str) -> ET.Element:
    return ET.fromstring(svg)


def arrows(svg: str) -> dict[tuple[str, str], str]:
    """Every arrow of a picture, read from the words that stand with it."""
    return _by_ends(svg, "")


def denied(svg: str) -> dict[tuple[str, str], str]:
    """What is drawn as denied by choice, and the setting that says so."""
    return {pair: said.removeprefix("denied, ") for pair, said in _by_ends(svg, "denied").items()}


def _by_ends(svg: str, look: str) -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    groups = [group for group in parsed(svg).iterfind(f"{_SVG}g") if group.get("class", "") == look]
    for title in (title for group in groups for title in group.iterfind(f"{_SVG}title")):
        ends, _, services = (title.text or "").partition(": ")
        source, _, destination = ends.partition(" → ")
        assert (source, destination) not in found, "an arrow is drawn once"
        found[source, destination] = services
    return found


def boxes(svg: str) -> dict[str, Box]:
    """Boxes by what is written in them."""
    found: dict[str, Box] = {}
    for text in texts(svg):
        for box in rectangles(svg):
            if text.touches(box):
                found.setdefault(text.what, box)
    return found


def rectangles(svg: str) -> list[Box]:
    root = parsed(svg)
    return [_rectangle(r) for r in root.iterfind(f"{_SVG}rect") if r.get("class", "").startswith("box")]


def _rectangle(node: ET.Element) -> Box:
    x, y, width, height = (float(node.get(key, "0")) for key in ("x", "y", "width", "height"))
    return Box("", x, y, x + width, y + height)


def texts(svg: str) -> list[Box]:
    """What is written, with the room that it needs in a wide font."""
    return _written(parsed(svg).iter(f"{_SVG}text"))


def texts_outside(svg: str) -> list[Box]:
    """What is written around the pictures inside a picture."""
    return _written(parsed(svg).iterfind(f"{_SVG}text"))


def _written(nodes: Iterable[ET.Element]) -> list[Box]:
    sizes = {"name": (13, 8.4), "title": (16, 10.5), "letter": (10, 6.2)}
    found: list[Box] = []
    for node in nodes:
        x, y, text = float(node.get("x", "0")), float(node.get("y", "0")), node.text or ""
        size, letter = sizes.get(node.get("class", "").split(" ")[0], (11, TEXT_LETTER - 0.4))
        length = letter * len(text)
        if node.get("transform"):
            assert re.match(r"rotate\(-90 ", node.get("transform", ""))
            found.append(Box(text, x - size, y - length, x, y))
        elif node.get("class") == "letter":
            found.append(Box(text, x - length / 2, y - size * 0.8, x + length / 2, y))
        else:
            left = x - length if node.get("text-anchor") == "end" else x
            found.append(Box(text, left, y - size * 0.8, left + length, y + 2))
    return found


def strokes(svg: str) -> list[Box]:
    """Every straight piece of every arrow's line, without its width."""
    found: list[Box] = []
    for path in parsed(svg).iterfind(f"{_SVG}g/{_SVG}path"):
        if not path.get("class", "").startswith("way"):
            continue
        way = re.fullmatch(r"M(\d+) (\d+)V(\d+)Q(\d+) (\d+) (\d+) (\d+)H(\d+)", path.get("d", ""))
        assert way, path.get("d")
        x, start, turn, _, end, _, _, tip = map(float, way.groups())
        found.append(Box("column", x, min(start, turn), x, max(start, turn)))
        found.append(Box("branch", tip, end, x, end))
    return found


def ends(svg: str) -> list[Box]:
    """Heads, tags, crosses and dots of the places, without the legend's."""
    root = parsed(svg)
    found: list[Box] = []
    for path in root.iterfind(f"{_SVG}g/{_SVG}path"):
        look, way = path.get("class", ""), path.get("d", "")
        if look.startswith("all"):
            x, y = map(float, re.findall(r"\d+", way)[:2])
            found.append(Box("head", x, y - 5, x + 9, y + 5))
        elif look.startswith("only"):
            x, y = map(float, re.findall(r"\d+", way)[:2])
            found.append(Box("tag", x, y - 7.5, x + 5 + float(re.findall(r"h(\d+)", way)[0]), y + 7.5))
        elif look.startswith("cross"):
            x, y = map(float, re.findall(r"\d+", way)[:2])
            found.append(Box("cross", x, y, x + 8, y + 8))
    for dot in root.iterfind(f"{_SVG}circle"):
        x, y, r = (float(dot.get(key, "0")) for key in ("cx", "cy", "r"))
        found.append(Box("dot", x - r, y - r, x + r, y + r))
    return found


def halves(svg: str) -> list[str]:
    """The pictures inside a picture, each as one of its own."""
    inside = parsed(svg).findall(f"{_SVG}svg")
    return [ET.tostring(one, encoding="unicode") for one in inside]


def attributes(svg: str) -> Mapping[str, str]:
    return parsed(svg).attrib
