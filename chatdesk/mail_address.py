"""When two mail addresses are one: how they are compared, and how mail to them is counted; never sent to."""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache


@lru_cache(maxsize=4096)
def compared(address: str) -> str:
    """Return the one form in which a person's address is compared, whatever capitals and spaces it has.

    A domain counts in its xn-- form (RFC 3490), in which mail programs write it; one that has none is
    compared as it is.
    """
    local, at, domain = address.strip().rpartition("@")
    with suppress(UnicodeError):
        domain = domain.encode("idna").decode("ascii")
    return f"{local}{at}{domain}".lower()


def counted(address: str) -> str:
    """Return the form in which mail to an address is counted: without the tag after a plus (RFC 5233).

    Anybody can make up as many tags as they like, and all mail to them lies in one mailbox.
    """
    local, at, domain = compared(address).rpartition("@")
    untagged = local.partition("+")[0]
    return f"{untagged or local}{at}{domain}"


def known_forms(address: str) -> tuple[str, ...]:
    """Return the forms, in lower case, in which an address may have been written down: one or two."""
    plain = compared(address)
    local, at, domain = plain.rpartition("@")
    try:
        shown = f"{local}{at}{domain.encode('ascii').decode('idna')}".lower()
    except UnicodeError:
        return (plain,)
    return tuple(dict.fromkeys((plain, shown)))
