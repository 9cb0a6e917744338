"""Values that hold a secret, and do not show it when they are printed or logged."""

from __future__ import annotations

from typing import Any, ClassVar

from msgspec import Struct


class Guarded(Struct, frozen=True):
    """A value whose fields named in ``hidden`` are left out of its representation."""

    hidden: ClassVar[frozenset[str]] = frozenset()

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.__rich_repr__())})"
        )

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [(name, getattr(self, name)) for name in self.__struct_fields__ if name not in self.hidden]
