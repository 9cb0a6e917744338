"""adapters.web.limits: floods are refused, and nobody else is [threat 45]."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from adapters.web.limits import Gate, Limits, party
from chatdesk.errors import EventRefused

NOON = datetime(2026, 9, 15, 12, tzinfo=UTC)
SMALL = Limits(per_address=3, per_company=5, per_recipient=2, over=1, transcripts=1)


def passes(gate: Gate, address: str | None, company: str, email: str, at: datetime = NOON) -> bool:
    try:
        gate.pass_survey(address, company, email, at)
    except EventRefused as refusal:
        assert refusal.code == "slow_down"
        assert "Please try again in" in str(refusal)
        return False
    return True


def test_one_address_sends_so_many_surveys_and_another_is_not_held_up() -> None:
    gate = Gate(SMALL)

    assert [passes(gate, "203.0.113.7", "", f"{n}@a.example") for n in range(4)] == [True, True, True, False]
    assert passes(gate, "203.0.113.8", "", "x@a.example")


def test_surveys_in_somebodys_name_do_not_keep_the_person_out_however_the_address_is_written() -> None:
    gate = Gate(SMALL)

    assert passes(gate, "203.0.113.1", "", "Dana@Contoso.example")
    assert passes(gate, "203.0.113.1", "", " dana@contoso.example ")
    assert passes(gate, "203.0.113.2", "", "DANA@CONTOSO.EXAMPLE")
    assert not passes(gate, "203.0.113.2", "", "dana@contoso.example")
    assert passes(gate, "203.0.113.2", "", "kim@contoso.example")
    assert passes(gate, "203.0.113.3", "", "dana@contoso.example", NOON + timedelta(minutes=30))


def test_surveys_in_a_companys_name_do_not_keep_its_people_out() -> None:
    gate = Gate(SMALL)
    flood = [passes(gate, f"203.0.113.{n // 3}", "Contoso", f"{n}@evil.example") for n in range(6)]

    assert flood == [True] * 5 + [True]
    assert not passes(gate, "203.0.113.1", "Contoso", "x@evil.example")
    assert passes(gate, "203.0.113.9", " contoso ", "dana@contoso.example")
    assert not passes(gate, "203.0.113.9", "Contoso", "dana@contoso.example")
    assert passes(gate, "203.0.113.9", "Fabrikam", "x@fabrikam.example")


def test_one_address_is_refused_sooner_in_a_name_that_many_come_in() -> None:
    gate = Gate()
    passed = [passes(gate, "203.0.113.7", "", "dana@contoso.example") for _ in range(60)]

    assert passed.count(True) == 30


def test_the_same_customer_may_go_on_later() -> None:
    gate = Gate(SMALL)
    for n in range(4):
        passes(gate, "203.0.113.7", "", f"{n}@a.example")

    assert passes(gate, "203.0.113.7", "", "9@a.example", NOON + timedelta(minutes=10))


def test_the_refusal_says_when_to_try_again() -> None:
    gate = Gate(SMALL)
    for n in range(3):
        gate.pass_survey("203.0.113.7", "", f"{n}@a.example", NOON + timedelta(minutes=n))

    with pytest.raises(EventRefused, match="in 6 minutes"):
        gate.pass_survey("203.0.113.7", "", "9@a.example", NOON + timedelta(minutes=4, seconds=30))


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_the_machine_itself_is_not_counted(address: str) -> None:
    gate = Gate(SMALL)

    assert all(passes(gate, address, "Contoso", "dana@contoso.example") for _ in range(1000))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("203.0.113.7", "203.0.113.7", True),
        ("203.0.113.7", "::ffff:203.0.113.7", True),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        (None, "", True),
        (None, "not an address", False),
    ],
)
def test_addresses_are_counted_by_who_holds_them(one: str | None, other: str | None, *, same: bool) -> None:
    assert (party(one) == party(other)) is same


def test_transcripts_are_counted_by_themselves() -> None:
    gate = Gate(SMALL)
    gate.pass_transcript("dana", NOON)
    gate.pass_transcript("eve", NOON)

    with pytest.raises(EventRefused, match="too many transcripts"):
        gate.pass_transcript("dana", NOON)
