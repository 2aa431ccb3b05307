"""Measured times: medians, spreads, ratios, and the exponent of growth."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median


@dataclass(frozen=True)
class Figure:
    """One thing measured several times.

    Attributes:
        seconds: every measurement, in the order in which they were taken.
    """

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle measurement, in seconds."""
        return median(self.seconds)

    def over(self, base: "Figure") -> "Ratio":
        """This one beside another that was measured in the same run, in turns."""
        return Ratio(self.median / base.median, min(self.seconds) / min(base.seconds))

    def __str__(self) -> str:
        """`2.41 s (2.30–2.95)`: the median, and the least and the most."""
        return f"{_plain(self.median)} s ({_plain(min(self.seconds))}–{_plain(max(self.seconds))})"


@dataclass(frozen=True)
class Ratio:
    """One thing beside another.

    Attributes:
        median: the ratio of their medians.
        least: the ratio of their least times, which other work on the machine has disturbed least.
    """

    median: float
    least: float

    def __str__(self) -> str:
        """`1.42× (1.38×)`."""
        return f"{self.median:.2f}× ({self.least:.2f}×)"


def _plain(seconds: float) -> str:
    """Three digits that mean something."""
    return f"{seconds:.{max(0, 2 - math.floor(math.log10(seconds)))}f}" if 0 < seconds < 1 else f"{seconds:.2f}"


def exponent(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    """The p of the curve `seconds = c · size^p` that fits best: least squares over the logarithms of both."""
    xs, ys = [math.log(size) for size in sizes], [math.log(value) for value in seconds]
    mean_x, mean_y = fmean(xs), fmean(ys)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True))
    return slope / sum((x - mean_x) ** 2 for x in xs)
