"""A scene as Mermaid text, for READMEs: what the owner granted, without what every stack has anyway."""

from collections.abc import Iterator

from twinvpc.model.nodes import Node
from twinvpc.picture.scene import Arrow, Place, Scene
from twinvpc.picture.words import ROUTER, listed


def mermaid(scene: Scene) -> str:
    """The scene as a flowchart. What it leaves out is said in its first lines."""
    return "\n".join(_lines(scene)) + "\n"


def _lines(scene: Scene) -> Iterator[str]:
    yield f"%% {scene.stack} on {scene.substrate}: who may open what to whom. An arrow without words: every service."
    if any(place.here and place.name == Node.HOST for place in scene.places):
        yield "%% Left out: host to every segment; DHCP, DNS and ICMP of a guest's own router address."
    yield "flowchart LR"
    here = [place for place in scene.places if place.here]
    yield from (f"  {_node(place)}" for place in here if not place.framed)
    yield f'  subgraph frame["{" ".join(scene.frame)}"]'
    yield from (f"    {_node(place)}" for place in here if place.framed)
    yield "  end"
    shown = [arrow for arrow in scene.arrows if arrow.label != ROUTER and arrow.source != Node.HOST]
    for source in dict.fromkeys(arrow.source for arrow in shown):
        yield from _from(source, [arrow for arrow in shown if arrow.source == source])


def _from(source: str, arrows: list[Arrow]) -> Iterator[str]:
    """One line for each different list of services, with all its destinations."""
    for label in dict.fromkeys(arrow.label for arrow in arrows):
        ends = " & ".join(_id(arrow.destination) for arrow in arrows if arrow.label == label)
        words = "" if label == "all" else f'|"{listed(label.removeprefix(f"{ROUTER} "))}"|'
        yield f"  {_id(source)} -->{words} {ends}"


def _id(name: str) -> str:
    """An id that is no word of Mermaid's own, such as `end`."""
    return f"n_{name.replace('-', '_')}"


def _node(place: Place) -> str:
    text = "<br/>".join((place.name, *place.lines))
    return f'{_id(place.name)}["{text}"]'
