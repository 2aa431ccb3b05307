"""Mermaid text: the owner's flows, each once."""

import itertools
import re

from tests.picture import drawing
from twinvpc.picture.mermaid import mermaid

LEFT_OUT = {"icmp tcp/53 udp/53", "icmp tcp/53 udp/53 udp/67"}
LINK = re.compile(r'  n_(\w+) -->(?:\|"(.*)"\|)? ((?:n_\w+ ?&? ?)+)')


def links(text: str) -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    for line in text.splitlines():
        if link := LINK.fullmatch(line):
            for end in link[3].split(" & "):
                found[link[1].replace("_", "-"), end.removeprefix("n_").replace("_", "-")] = link[2] or "all"
    return found


def test_links_are_the_cells_but_for_what_the_first_lines_leave_out() -> None:
    for one in [*drawing.own(), *drawing.ports(), *drawing.twelve()]:
        expected: dict[tuple[str, str], str] = {}
        for source, destination in itertools.permutations(one.matrix.nodes, 2):
            cell = str(one.matrix.cell(source, destination))
            if cell in "–·" or source == "host" or (destination == "host" and cell in LEFT_OUT):
                continue
            if destination == "host":
                cell = " ".join(s for s in cell.split() if s not in "icmp tcp/53 udp/53 udp/67")
            expected[source, destination] = cell.replace(" ", ", ")
        assert links(mermaid(one.scene)) == expected
        assert ("Left out" in mermaid(one.scene)) == ("host" in one.matrix.nodes)
