"""What is kept: models, migrations and the store, on SQLite or PostgreSQL."""

from __future__ import annotations

import inspect
from typing import Any


def _import_models() -> None:
    """Import the models without their source: the library looks there for comments that begin with ``#:``,
    of which there are none, and to parse it once a model takes a tenth of the desk's start.
    """
    library: Any = inspect
    read = library.getsource
    library.getsource = _no_source
    try:
        import storage.models  # noqa: F401
    finally:
        library.getsource = read


def _no_source(_: object) -> str:
    raise OSError("The source is not read.")


_import_models()
