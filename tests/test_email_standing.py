"""Who is believed about a sender: our own mail server, nobody who only says that they are it [threat 34]."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

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


@pytest.mark.parametrize(
    ("field", "standing"),
    [
        (
            f"{OURS}; dkim=pass (2048-bit key; unprotected) header.d=contoso.example header.b=Ab/Cd+E=",
            Standing.VERIFIED,
        ),
        (f'{OURS}; dkim=fail ("body hash did not verify") header.d=x.example; dmarc=pass', Standing.VERIFIED),
        (f"{OURS}; dkim = (so far (as known)) pass header . d = contoso.example", Standing.VERIFIED),
        (f'"{OURS}"; dkim/1=pass reason="good; new" header.d="contoso.example"', Standing.VERIFIED),
        (f"{OURS}; spf=pass smtp.mailfrom=; dmarc=pass action=none;", Standing.VERIFIED),
        (f'{OURS}; spf=pass smtp.mailfrom="d. reyes"@contoso.example', Standing.VERIFIED),
        (f"{OURS}; spf=pass smtp.mailfrom=contoso.example", Standing.VERIFIED),
    ],
)
def test_what_servers_write_is_understood(field: str, standing: Standing) -> None:
    assert standing_of(DANA, [field], OURS) is standing


@pytest.mark.parametrize(
    ("results", "standing"),
    [
        ('spf=pass smtp.mailfrom="dana@contoso.example"@evil.example; dmarc=none', Standing.UNVERIFIED),
        ('spf=pass smtp.mailfrom="dana@contoso.example"', Standing.UNVERIFIED),
        (r'spf=pass smtp.mailfrom="\"dana@contoso.example"@evil.example', Standing.UNVERIFIED),
        ('spf=pass smtp.mailfrom="x;dmarc=pass;"@evil.example', Standing.UNVERIFIED),
        ("spf=pass smtp.mailfrom=dana@contoso.example@evil.example", Standing.UNVERIFIED),
        ("spf=pass smtp.mailfrom=x@evil.example (smtp.mailfrom=x@contoso.example)", Standing.UNVERIFIED),
        ("spf=pass smtp.mailfrom=dana@contoso.example smtp.mailfrom=x@evil.example", Standing.UNVERIFIED),
        ("spf=pass smtp.helo=contoso.example", Standing.UNVERIFIED),
        ('spf=pass (of "x;dmarc=pass;"@evil.example) smtp.mailfrom=x@evil.example', Standing.UNVERIFIED),
        ('spf=pass (of "x;dmarc=pass;"@evil.example); dmarc=fail', Standing.FAILED),
        ('spf=pass (of "x);dmarc=pass ("@evil.example)', Standing.UNVERIFIED),
        ('spf=pass (of "x);dmarc=pass ("@evil.example); dmarc=fail', Standing.FAILED),
        (r'spf=pass (of "x\);dmarc=pass \("@evil.example)', Standing.UNVERIFIED),
        ("spf=pass (of x);dmarc=pass (@evil.example); dmarc=none", Standing.UNVERIFIED),
        ("spf=pass (of x);dmarc=pass (@evil.example); dmarc=fail", Standing.FAILED),
        ("spf=none ((nested); dmarc=pass", Standing.UNVERIFIED),
        ("spf=none nested); dmarc=pass", Standing.UNVERIFIED),
        ('spf=none reason="open; dmarc=pass', Standing.UNVERIFIED),
        (r"spf=none \; dmarc=pass", Standing.UNVERIFIED),
        ("spf=none what; dmarc=pass", Standing.UNVERIFIED),
        ("what; dmarc=pass", Standing.UNVERIFIED),
        ("dmarc=pass=fail", Standing.UNVERIFIED),
        ('reason="; dmarc=pass"', Standing.UNVERIFIED),
    ],
)
def test_the_senders_words_in_our_servers_field_vouch_for_nobody(results: str, standing: Standing) -> None:
    assert standing_of(DANA, [f"{OURS}; {results}"], OURS) is standing


LOCAL_PARTS = st.lists(
    st.sampled_from(
        ['"', "\\", "(", ")", ";", "=", "@", " ", ".", "x", "dmarc=pass", "smtp.mailfrom", "contoso.example"]
    ),
    max_size=12,
).map("".join)


@pytest.mark.property
@given(LOCAL_PARTS, st.booleans())
@example('";dmarc=pass;', False)
@example(") ;dmarc=pass; (", True)
def test_no_address_that_a_mail_is_sent_from_makes_its_sender_another(local: str, escapes: bool) -> None:
    quoted = re.sub(r'(["\\])', r"\\\1", local)
    address = f'"{quoted}"@evil.example'
    # Some servers put a backslash before what ends a comment, others copy the address as it is.
    shown = re.sub(r"([()\\])", r"\\\1", address) if escapes else address
    field = f"{OURS}; spf=pass (domain of {shown} permits 192.0.2.1) smtp.mailfrom={address}; dmarc=none"
    assert standing_of(DANA, [field], OURS) is not Standing.VERIFIED


def test_of_several_the_topmost_of_ours_counts() -> None:
    fields = [f"{OURS}; dmarc=fail", f"{OURS}; dmarc=pass"]
    assert standing_of(DANA, fields, OURS) is Standing.FAILED
    assert standing_of(DANA, ["other.example; dmarc=fail", *reversed(fields)], OURS) is Standing.VERIFIED


def test_without_a_server_to_believe_nobody_is_verified() -> None:
    assert standing_of(DANA, ["; dmarc=pass", f"{OURS}; dmarc=pass"], "") is Standing.UNVERIFIED


def test_nobody_stands_for_no_sender() -> None:
    assert standing_of("", [f"{OURS}; dmarc=pass"], OURS) is Standing.UNVERIFIED
