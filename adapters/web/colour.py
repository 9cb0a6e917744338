"""The desk's colour made readable: a fill, what is written on it, ink of the same hue [WCAG 2.2, 1.4.3]."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

ENOUGH = 4.6
"""Contrast of text; a little more than the 4.5 that is asked for, since colours are rounded."""
LIGHT_PAPER, DARK_PAPER = "#e3eaf5", "#28344a"
"""The background nearest to ink that the console has in each scheme; on all others ink is clearer."""
WHITE, BLACK = "#ffffff", "#10131a"


@dataclass(frozen=True, slots=True)
class Colours:
    """``fill`` of buttons, ``on_fill`` the text on it, ``ink`` for links and marks on the page's paper."""

    fill: str
    on_fill: str
    ink: str


def readable_colours(colour: str) -> tuple[Colours, Colours]:
    """Return the colours for light and for dark pages from one #rrggbb."""
    fill = colour.lower()
    on_fill = WHITE if contrast(fill, WHITE) >= contrast(fill, BLACK) else BLACK
    if contrast(fill, on_fill) < ENOUGH:
        fill = _shifted(fill, on_fill, darker=on_fill == WHITE)
    return (
        Colours(fill, on_fill, _shifted(colour, LIGHT_PAPER, darker=True)),
        Colours(fill, on_fill, _shifted(colour, DARK_PAPER, darker=False)),
    )


def theme_sheet(colour: str) -> str:
    """Return the style sheet that gives pages one #rrggbb as custom properties, in both schemes."""
    light, dark = readable_colours(colour)
    return (
        f":root {{ --accent: {light.fill}; --on-accent: {light.on_fill}; --accent-ink: {light.ink}; }}\n"
        "@media (prefers-color-scheme: dark) {\n"
        f"  :root {{ --accent: {dark.fill}; --on-accent: {dark.on_fill}; --accent-ink: {dark.ink}; }}\n}}\n"
    )


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, 1 to 21."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _shifted(colour: str, against: str, *, darker: bool) -> str:
    """Return the nearest colour of the same hue that can be read on ``against``."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*_channels(colour))
    step = -0.01 if darker else 0.01
    found = colour.lower()
    while contrast(found, against) < ENOUGH and lightness != (0 if darker else 1):
        lightness = min(1.0, max(0.0, lightness + step))
        red, green, blue = colorsys.hls_to_rgb(hue, lightness, saturation)
        found = f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"
    return found


def _channels(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    return red, green, blue


def _luminance(colour: str) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in _channels(colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
