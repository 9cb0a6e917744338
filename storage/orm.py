"""The ORM, loaded at its first use: importing it takes as long as everything else that a start needs.

What a desk does all the time is done with plain statements [storage/selecting.py, storage/batch.py].
``models`` are its tables; ``faults`` are its exceptions, of which there are none before it is loaded.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

__all__ = ["APPS", "WRITER", "at_first_use", "faults", "load", "models", "no_longer"]

if TYPE_CHECKING:
    from tortoise import exceptions as faults

    from storage import models

_MODELS, _FAULTS = "storage.models", "tortoise.exceptions"
WRITER = "default"
"""The connection for writing, by which name the ORM knows it."""
APPS = {
    "models": {"models": [_MODELS], "default_connection": WRITER, "migrations": "storage.migrations"},
}
"""The models and their migrations, as the ORM is told of them."""
_to_do: list[Callable[[], None]] = []


def at_first_use(set_up: Callable[[], None]) -> None:
    """Call ``set_up``, which lets the ORM work on a database: now when it is loaded, else once it is used."""
    if _MODELS in sys.modules:
        set_up()
    else:
        _to_do.append(set_up)


def no_longer(set_up: Callable[[], None]) -> None:
    """Forget it: its database is closed."""
    if set_up in _to_do:
        _to_do.remove(set_up)


def load() -> None:
    """Load the ORM and let it work on the open database; takes a sixth of a second the first time."""
    import_module(_MODELS)
    while _to_do:
        _to_do.pop()()


class _Models:
    def __getattr__(self, name: str) -> Any:
        load()
        return getattr(sys.modules[_MODELS], name)


class _NeverRaised(Exception):
    """Stands for the ORM's exceptions before it is loaded."""


class _Faults:
    def __getattr__(self, name: str) -> Any:
        # Nothing is loaded to ask whether an error is the ORM's.
        return getattr(sys.modules[_FAULTS], name) if _FAULTS in sys.modules else _NeverRaised


if not TYPE_CHECKING:
    models, faults = _Models(), _Faults()
