"""Which tickets may be merged [R20]."""

from __future__ import annotations

import pytest

from chatdesk.errors import EventRefused
from chatdesk.merging import check_merge
from chatdesk.ticket import TicketNumber, TicketStatus
from tests.desk_builders import ticket

CONTOSO = ticket(number=TicketNumber(1001), company="Contoso")


@pytest.mark.parametrize("company", ["Contoso", "contoso", "  CONTOSO "])
def test_a_company_is_the_same_however_it_is_written(company: str) -> None:
    check_merge(CONTOSO, ticket(number=TicketNumber(1002), company=company), "HD", other_company=False)


@pytest.mark.parametrize(
    ("company", "said"),
    [("Fabrikam", "Fabrikam"), ("Contoso East", "Contoso East"), ("", "no named company")],
)
def test_another_companys_ticket_has_to_be_confirmed(company: str, said: str) -> None:
    other = ticket(number=TicketNumber(1002), company=company)
    with pytest.raises(EventRefused) as refused:
        check_merge(CONTOSO, other, "HD", other_company=False)
    assert (refused.value.code, refused.value.field) == ("other_company", "other_company")
    assert str(refused.value) == (
        f"HD-1001 is a ticket of Contoso, HD-1002 is a ticket of {said}. "
        "Merge them in the console, and confirm there that they belong together."
    )
    check_merge(CONTOSO, other, "HD", other_company=True)


def test_nothing_is_merged_into_itself_or_into_what_is_done() -> None:
    done = ticket(number=TicketNumber(1002), company="Contoso", status=TicketStatus.CLOSED)
    for into, said in ((CONTOSO, "into itself"), (done, "into one that is open")):
        with pytest.raises(EventRefused, match=said) as refused:
            check_merge(CONTOSO, into, "HD", other_company=True)
        assert refused.value.field == "into"
