"""chatdesk.own_machine: a program on this machine, or a proxy on it that nobody has declared."""

from __future__ import annotations

import pytest

from chatdesk.own_machine import asked_from_here


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost", "LOCALHOST:8080", "[::1]:8080"])
def test_a_program_on_this_machine_asked_from_here(peer: str, host: str) -> None:
    assert asked_from_here(peer, host, (1, 1), {"User-Agent": "curl"})


@pytest.mark.parametrize(
    ("peer", "host", "version", "header"),
    [
        ("203.0.113.7", "127.0.0.1", (1, 1), ""),
        ("", "127.0.0.1", (1, 1), ""),
        ("desk", "127.0.0.1", (1, 1), ""),
        ("127.0.0.1", "desk.example.com", (1, 1), ""),
        ("127.0.0.1", "127.0.0.1.example.com", (1, 1), ""),
        ("127.0.0.1", "[", (1, 1), ""),
        ("127.0.0.1", "", (1, 1), ""),
        ("127.0.0.1", "127.0.0.1", (1, 0), ""),
        ("127.0.0.1", "127.0.0.1", (1, 1), "X-Forwarded-For"),
        ("127.0.0.1", "127.0.0.1", (1, 1), "X-Real-IP"),
        ("127.0.0.1", "127.0.0.1", (1, 1), "Forwarded"),
        ("127.0.0.1", "127.0.0.1", (1, 1), "Via"),
    ],
)
def test_somebody_elsewhere_and_what_a_proxy_passes_on_did_not(
    peer: str, host: str, version: tuple[int, int], header: str
) -> None:
    assert not asked_from_here(peer, host, version, {header})
