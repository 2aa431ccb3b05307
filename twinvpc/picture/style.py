"""Colours and lines of a picture: on light, on dark, and on paper. No meaning hangs on a colour alone."""

from dataclasses import dataclass


@dataclass(frozen=True)
class _Colours:
    """One set of colours; columns take turns with the hues, so that neighbours differ."""

    paper: str
    ink: str
    quiet: str
    box: str
    line: str
    hues: tuple[str, ...]


# Every hue and ink has a contrast of 4.5 or more against its paper (WCAG 2.2, 1.4.3).
_LIGHT = _Colours("#ffffff", "#1b1f24", "#57606a", "#eef1f5", "#8c959f", ("#0550ae", "#953800", "#116329", "#6639ba"))
_DARK = _Colours("#0d1117", "#e6edf3", "#9aa4af", "#21262d", "#6e7681", ("#79c0ff", "#ffa657", "#7ee787", "#d2a8ff"))
HUES = len(_LIGHT.hues)

_SHAPES = """text{font-family:sans-serif;font-size:11px}
.title{font-size:16px;font-weight:bold}.name{font-size:13px;font-weight:bold}
.way{fill:none;stroke-width:1.75}.leader{stroke-width:1;stroke-dasharray:1 3}
.box{stroke-width:1.25}.absent{fill:none;stroke-dasharray:3 3}.frame{fill:none;stroke-width:1.25;stroke-dasharray:7 3}
.declared{stroke-dasharray:5 4}.cross{fill:none;stroke-width:2}
.only{stroke-width:1.25}.letter{text-anchor:middle;font-size:10px}"""


def style() -> str:
    """The style sheet: light unless a screen asks for dark."""
    return f"{_SHAPES}\n{_rules(_LIGHT)}\n@media screen and (prefers-color-scheme:dark){{\n{_rules(_DARK)}\n}}"


def _rules(colours: _Colours) -> str:
    hues = "".join(
        f".way.h{i}{{stroke:{hue}}}.all.h{i},.dot.h{i}{{fill:{hue}}}.only.h{i},.cross.h{i}{{stroke:{hue}}}"
        for i, hue in enumerate(colours.hues)
    )
    return (
        f".paper,.only{{fill:{colours.paper}}}text{{fill:{colours.ink}}}text.quiet{{fill:{colours.quiet}}}\n"
        f".box{{fill:{colours.box};stroke:{colours.quiet}}}.absent{{fill:none;stroke:{colours.line}}}"
        f".frame{{stroke:{colours.quiet}}}.leader{{stroke:{colours.line}}}\n"
        f".way.hn{{stroke:{colours.quiet}}}.all.hn,.dot.hn{{fill:{colours.quiet}}}.only.hn,.cross.hn{{stroke:{colours.quiet}}}"
        f"{hues}"
    )
