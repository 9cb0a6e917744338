"""JSON from outside, read without trust: what is not there or of another type comes back empty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Json = Mapping[str, object]
"""A JSON object as it came in."""

Document = dict[str, object]
"""A JSON object that is being made."""


def value_at(source: object, *path: str) -> object:
    """Return what is under the path of keys, or None."""
    for key in path:
        if not isinstance(source, Mapping):
            return None
        source = source.get(key)
    return source


def text_at(source: object, *path: str) -> str:
    """Return the text under the path of keys, or ""."""
    found = value_at(source, *path)
    return found if isinstance(found, str) else ""


def object_at(source: object, *path: str) -> Json:
    """Return the object under the path of keys, or an empty one."""
    found = value_at(source, *path)
    return found if isinstance(found, Mapping) else {}


def objects_at(source: object, *path: str) -> Sequence[Json]:
    """Return the objects in the list under the path of keys."""
    found = value_at(source, *path)
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []
