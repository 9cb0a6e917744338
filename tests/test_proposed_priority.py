"""What the console says of where a priority comes from that nobody has confirmed [R31, R40]."""

from __future__ import annotations

import pytest

from adapters.web.console_json import ticket_json
from chatdesk.reading import TicketFile
from chatdesk.ticket import Priority
from tests.desk_builders import ANSWERS, NORTHWIND, ticket

BY_MAIL = {"name": "Dana Reyes", "email": "dana@contoso.example", "sender": "verified"}


@pytest.mark.parametrize(
    ("answers", "proposed"),
    [
        (ANSWERS, "standard"),
        ({**ANSWERS, "urgency": "No"}, "high"),
        ({**BY_MAIL, "impact": "Everyone"}, None),
        (BY_MAIL, None),
    ],
    ids=["survey", "urgent survey", "half a survey", "mail"],
)
def test_only_a_survey_that_was_answered_proposes_a_priority(
    answers: dict[str, str], proposed: str | None
) -> None:
    about = ticket(priority=Priority.LOW, answers=tuple(answers.items()))
    file = TicketFile(about, (), (), (), (), ())
    assert ticket_json(file, NORTHWIND, {}, "marcus")["proposed"] == proposed
