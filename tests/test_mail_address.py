"""When two mail addresses are one: for comparing people, and for counting the mail they get."""

from __future__ import annotations

import pytest

from chatdesk.mail_address import compared, counted, known_forms


@pytest.mark.parametrize(
    "written",
    [
        "dana@bücher.example",
        "Dana@BÜCHER.example",
        "dana@xn--bcher-kva.example",
        " dana@XN--BCHER-KVA.example ",
    ],
)
def test_an_address_is_one_person_however_its_domain_and_capitals_are_written(written: str) -> None:
    assert compared(written) == "dana@xn--bcher-kva.example"


@pytest.mark.parametrize(
    ("one", "other"),
    [("d@straße.example", "d@strasse.example"), ("d@βόλος.example", "d@βόλοσ.example")],
)
def test_domains_that_somebody_else_may_own_are_not_taken_for_one(one: str, other: str) -> None:
    assert compared(one) != compared(other)
    assert known_forms(one) == (compared(one), one)
    assert known_forms(compared(one)) == known_forms(one)


def test_a_sharp_s_is_the_same_in_capitals_and_in_its_encoded_form() -> None:
    written = ("d@straße.example", "D@STRAẞE.example", "d@xn--strae-oqa.example")
    assert {compared(each) for each in written} == {"d@xn--strae-oqa.example"}


def test_a_tag_is_another_address_but_no_other_mailbox() -> None:
    assert compared("dana+1@contoso.example") != compared("dana+2@contoso.example")
    tagged = (
        "dana+1@contoso.example",
        "Dana+2+3@Contoso.example",
        "dana@contoso.example",
        "dana+@contoso.example",
    )
    assert {counted(each) for each in tagged} == {"dana@contoso.example"}


@pytest.mark.parametrize(
    "odd", ["", "dana", "@", "+@b.example", "a@b..example", "a@" + "ü" * 80, "a@b@c.example"]
)
def test_what_is_no_address_is_compared_all_the_same(odd: str) -> None:
    assert compared(compared(odd)) == compared(odd)
    assert counted(counted(odd)) == counted(odd)
    assert compared(odd) in known_forms(odd)


def test_an_address_is_looked_up_in_both_forms_in_which_it_may_have_been_typed() -> None:
    both = ("dana@xn--bcher-kva.example", "dana@bücher.example")
    assert known_forms("dana@bücher.example") == known_forms("dana@xn--bcher-kva.example") == both
    assert known_forms("dana@contoso.example") == ("dana@contoso.example",)
