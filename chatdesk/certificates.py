"""The certificates that aiohttp's client trusts, read when there is something to connect to.

aiohttp reads them, twice, when it is imported: a fifth of a start, in which no other thread runs. Most desks
only listen. Until they are read, that client trusts nobody.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

_without: list[ssl.SSLContext] = []


@contextmanager
def later() -> Iterator[None]:
    """Let what is imported in the block make its contexts without certificates; one thread at a time."""
    # It is inherited: what stands before it can be taken away again.
    ssl.SSLContext.set_default_verify_paths = _put_off  # type: ignore[assignment]
    try:
        yield
    finally:
        del ssl.SSLContext.set_default_verify_paths


def read() -> None:
    """Read the certificates that were put off, before the first connection of aiohttp's client."""
    while _without:
        _without.pop().set_default_verify_paths()


def _put_off(context: ssl.SSLContext) -> None:
    _without.append(context)
