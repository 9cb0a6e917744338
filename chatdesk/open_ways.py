"""The ways in that a page opens to everybody, and what is said where a desk does not offer them [R8]."""

from __future__ import annotations

from collections.abc import Mapping

from chatdesk.config import Config

_NAMES: Mapping[str, str] = {"web": "live chat", "form": "web form", "desktop": "desktop icon"}


def refusal(config: Config, channel: str) -> str:
    """Return what is said to who comes by that channel; "" where it is offered, or open to some only."""
    if channel not in _NAMES or channel in config.channels:
        return ""
    return f"This desk has no {_NAMES[channel]}. Please reach it another way."
