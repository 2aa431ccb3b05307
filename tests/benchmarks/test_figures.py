"""What the benchmarks make of measured times."""

import pytest

from benchmarks.figures import Figure, exponent


def test_a_figure_is_its_median_with_least_and_most() -> None:
    assert str(Figure((3.0, 1.0, 2.0))) == "2.00 s (1.00–3.00)"
    assert str(Figure((0.0123, 0.456, 0.01))) == "0.0123 s (0.0100–0.456)"


def test_a_ratio_is_that_of_the_medians_and_one_disturbed_round_does_not_move_it() -> None:
    quiet, disturbed = Figure((2.0, 2.0, 2.0)), Figure((3.0, 3.0, 60.0))
    assert str(disturbed.over(quiet)) == "1.50× (1.50×)"


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_the_exponent_of_a_power_is_found(power: float) -> None:
    sizes = (5, 50, 500)
    assert exponent(sizes, [7e-6 * size**power for size in sizes]) == pytest.approx(power)


def test_the_exponent_of_a_quadratic_is_not_taken_for_linear() -> None:
    assert exponent((5, 50, 500), [1e-5 + 1e-6 * size**2 for size in (5, 50, 500)]) > 1.2
