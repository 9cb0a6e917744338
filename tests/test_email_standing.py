"""Who is believed about a sender: our own mail server, nobody who only says that they are it [threat 34]."""

from __future__ import annotations

import pytest

from adapters.email.standing import standing_of
from chatdesk.sender import Standing

DANA = "dana@contoso.example"
OURS = "mx.northwind.example"


@pytest.mark.parametrize(
    ("field", "standing"),
    [
        (f"{OURS}; dmarc=pass header.from=contoso.example", Standing.VERIFIED),
        (f"{OURS}; dmarc=pass (p=reject dis=none) header.from=contoso.example", Standing.VERIFIED),
        (f"{OURS} 1; spf=fail; dkim=pass header.d=contoso.example", Standing.VERIFIED),
        (f"{OURS}; spf=pass smtp.mailfrom=bounce@contoso.example", Standing.VERIFIED),
        (f"{OURS.upper()}; dmarc=PASS", Standing.VERIFIED),
        (
            f"{OURS}; dkim=pass header.d=evil.example; spf=pass smtp.mailfrom=x@evil.example",
            Standing.UNVERIFIED,
        ),
        (f"{OURS}; dkim=pass header.d=ontoso.example", Standing.UNVERIFIED),
        (f"{OURS}; dkim=pass header.d=example", Standing.UNVERIFIED),
        (f"{OURS}; dmarc=none; dkim=none", Standing.UNVERIFIED),
        (f"{OURS}; none", Standing.UNVERIFIED),
        (f"{OURS}; dmarc=fail; dkim=pass header.d=contoso.example", Standing.FAILED),
        (f"{OURS}; x=y (dmarc=pass)", Standing.UNVERIFIED),
        (f"evil.example; dmarc=pass ({OURS}; dmarc=pass)", Standing.UNVERIFIED),
        (f"({OURS}) evil.example; dmarc=pass", Standing.UNVERIFIED),
        (f"{OURS}.evil.example; dmarc=pass", Standing.UNVERIFIED),
        ("", Standing.UNVERIFIED),
        (";;;===", Standing.UNVERIFIED),
    ],
)
def test_a_result_counts_only_in_our_servers_own_words(field: str, standing: Standing) -> None:
    assert standing_of(DANA, [field], OURS) is standing


def test_of_several_the_topmost_of_ours_counts() -> None:
    fields = [f"{OURS}; dmarc=fail", f"{OURS}; dmarc=pass"]
    assert standing_of(DANA, fields, OURS) is Standing.FAILED
    assert standing_of(DANA, ["other.example; dmarc=fail", *reversed(fields)], OURS) is Standing.VERIFIED


def test_without_a_server_to_believe_nobody_is_verified() -> None:
    assert standing_of(DANA, ["; dmarc=pass", f"{OURS}; dmarc=pass"], "") is Standing.UNVERIFIED


def test_nobody_stands_for_no_sender() -> None:
    assert standing_of("", [f"{OURS}; dmarc=pass"], OURS) is Standing.UNVERIFIED
