"""Whatever colour a desk chooses, what is written in it and on it can be read [WCAG 2.2, 1.4.3]."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from adapters.web.colour import DARK_PAPER, LIGHT_PAPER, contrast, readable_colours

ENOUGH = 4.5
colours = st.integers(0, 0xFFFFFF).map(lambda value: f"#{value:06x}")


@given(colours)
@example("#000000")
@example("#ffffff")
@example("#808080")
@example("#ffff00")
def test_every_colour_becomes_readable_in_both_schemes(colour: str) -> None:
    light, dark = readable_colours(colour)
    for found, paper in ((light, LIGHT_PAPER), (dark, DARK_PAPER)):
        assert contrast(found.fill, found.on_fill) >= ENOUGH
        assert contrast(found.ink, paper) >= ENOUGH


def test_a_colour_that_can_be_read_stays_as_it_was_chosen() -> None:
    light, _ = readable_colours("#1f5fbf")
    assert (light.fill, light.on_fill) == ("#1f5fbf", "#ffffff")


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [("#000000", "#ffffff", 21.0), ("#ffffff", "#ffffff", 1.0), ("#767676", "#ffffff", 4.54)],
)
def test_contrast_is_the_ratio_of_the_standard(one: str, other: str, expected: float) -> None:
    assert contrast(one, other) == pytest.approx(expected, abs=0.01)
    assert contrast(one, other) == contrast(other, one)
