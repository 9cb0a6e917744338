"""What Slack sends, read safely: payloads are nested JSON of which any part may be missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Payload = Mapping[str, object]
Block = dict[str, object]
"""One Block Kit block, or a part of one."""

EMPTY: Payload = {}


def part(payload: Payload, *path: str) -> Payload:
    """Return the object at the path; an empty one where there is none."""
    found: object = payload
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else EMPTY


def text(payload: Payload, *path: str) -> str:
    """Return the text at the path; "" where there is none."""
    found = part(payload, *path[:-1]).get(path[-1])
    return found if isinstance(found, str) else ""


def number(payload: Payload, *path: str) -> int:
    """Return the whole number at the path; 0 where there is none."""
    found = part(payload, *path[:-1]).get(path[-1])
    return found if isinstance(found, int) else 0


def flag(payload: Payload, *path: str) -> bool:
    """Tell whether there is a true at the path; nothing else counts as one."""
    return part(payload, *path[:-1]).get(path[-1]) is True


def parts(payload: Payload, *path: str) -> list[Payload]:
    """Return the objects of the list at the path; none where there is no list."""
    found = part(payload, *path[:-1]).get(path[-1])
    if not isinstance(found, Sequence) or isinstance(found, str):
        return []
    return [item for item in found if isinstance(item, Mapping)]
