"""The desk's own machine: its names, and whether a request was made on it or came through a proxy on it.

A proxy that is not declared, and adds no header to say for whom it asks, looks much like a program on the
machine. It is told by what it leaves as it was, the name that was asked for, or by speaking HTTP/1.0, as
nginx does unless told otherwise. One that changes all of that cannot be told at all: declare it.
"""

from __future__ import annotations

from collections.abc import Container
from ipaddress import ip_address
from urllib.parse import urlsplit

LOCAL_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})
"""The names by which a machine calls itself."""
FORWARDED = ("X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP", "Forwarded", "Via")


def asked_from_here(peer: str, host: str, version: tuple[int, int], headers: Container[str]) -> bool:
    """Tell it by the other side's address, the Host header, HTTP's version and the headers' names."""
    direct = not any(name in headers for name in FORWARDED) and version >= (1, 1)
    return direct and host_name(host) in LOCAL_HOSTS and _is_own_peer(peer)


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address is this machine's own."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def host_name(host: str) -> str:
    """Return the name in a Host header, without the port; "" for what is none."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_own_peer(peer: str) -> bool:
    try:
        found = ip_address(peer)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return (mapped or found).is_loopback
