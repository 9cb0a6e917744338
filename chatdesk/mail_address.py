"""When two mail addresses are one: how they are compared, and how mail to them is counted; never sent to."""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache
from unicodedata import normalize

_KEPT_APART = frozenset("ß\u1e9eς\u200c\u200d")
"""Letters that make another domain since RFC 5891: the library goes by older rules, which replace them."""
_ENCODED = "xn--"


@lru_cache(maxsize=4096)
def compared(address: str) -> str:
    """Return the one form in which a person's address is compared, whatever capitals and spaces it has.

    A domain counts in its xn-- form (RFC 5891), in which mail programs write it; one that has none is
    compared as it is.
    """
    local, at, domain = address.strip().rpartition("@")
    with suppress(UnicodeError):
        domain = ascii_domain(domain)
    return f"{local}{at}{domain}".lower()


def has_stray_dot(address: str) -> bool:
    """Tell whether a dot stands where RFC 5321 (4.1.2) has none: at an end of the local part, or twice."""
    local = address.partition("@")[0]
    return local.startswith(".") or local.endswith(".") or ".." in address


def ascii_domain(domain: str) -> str:
    """Return the domain in its xn-- form (RFC 5891). Raises UnicodeError for one that has none."""
    if _KEPT_APART.isdisjoint(domain):
        return domain.encode("idna").decode("ascii")
    return ".".join(map(_ascii_label, domain.split(".")))


def _ascii_label(label: str) -> str:
    if _KEPT_APART.isdisjoint(label):
        return label.encode("idna").decode("ascii")
    return _ENCODED + normalize("NFC", label.lower()).encode("punycode").decode("ascii")


def _shown_label(label: str) -> str:
    if not label.startswith(_ENCODED):
        return label
    shown = label.removeprefix(_ENCODED).encode("ascii").decode("punycode")
    return shown if ascii_domain(shown) == label else label.encode("ascii").decode("idna")


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
        _ = domain.encode("ascii")
        shown = f"{local}{at}{'.'.join(map(_shown_label, domain.split('.')))}".lower()
    except UnicodeError:
        return (plain,)
    return tuple(dict.fromkeys((plain, shown)))
