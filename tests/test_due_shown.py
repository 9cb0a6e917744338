"""Every place that shows when a ticket is due shows the same: a time, that the clock stands, or nothing."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from adapters.slack.card import card
from adapters.slack.lists import ticket_line
from adapters.teams.ticket_card import CardFacts, ticket_card
from adapters.web.console_json import line_json, ticket_json
from chatdesk.conversation import Ticketed
from chatdesk.reading import TicketFile, TicketLine
from chatdesk.ticket import ACTIVE, PAUSED, Ticket, TicketStatus
from tests.desk_builders import NORTHWIND, TUESDAY, at, conversation, ticket
from tests.fake_slack.rules import texts

DUE = at("09-15 14:12")
IN_SLACK = f"<!date^{int(DUE.timestamp())}^"
CHAT = conversation(Ticketed())


def slack_card(made: Ticket) -> str:
    blocks = card(NORTHWIND, made, CHAT, {})
    return next(words for words in texts(blocks) if words.startswith("*Due*"))


def slack_line(made: Ticket) -> str:
    return ticket_line(NORTHWIND, made, {}, TUESDAY)


def teams_card(made: Ticket) -> str:
    return json.dumps(ticket_card(NORTHWIND, CardFacts(made, CHAT, "")))


def console(made: Ticket) -> str:
    told = ticket_json(TicketFile(made, (CHAT,), (), (), (), ()), NORTHWIND, {}, "")
    listed = line_json(TicketLine(made, CHAT), NORTHWIND, {})
    assert told["due_at"] == listed["due_at"]
    return f"{told['due_at']} {told['due_because']}"


PLACES: dict[Callable[[Ticket], str], tuple[str, str, str]] = {
    slack_card: (IN_SLACK, "clock stopped", "*Due*\n-"),
    slack_line: (f"due {IN_SLACK}", "clock stopped", ""),
    teams_card: ("Tuesday, September 15, 2:12 PM", "clock stopped", ""),
    console: (DUE.isoformat(), "The clock stands still while the ticket waits.", "None "),
}
"""What each place shows of a ticket whose clock runs, that waits, and that is over."""


@pytest.mark.parametrize("place", PLACES, ids=lambda place: str(place.__name__))
@pytest.mark.parametrize("status", TicketStatus)
def test_a_due_time_is_shown_while_the_clock_runs_and_only_then(
    place: Callable[[Ticket], str], status: TicketStatus
) -> None:
    shown = place(ticket(status=status, due_at=DUE))
    runs, stands, over = PLACES[place]
    expected = stands if status in PAUSED else runs if status in ACTIVE else over
    assert expected in shown
    for other in {runs, stands} - {expected}:
        assert other not in shown
    if status not in ACTIVE:
        assert "no target" not in shown


@pytest.mark.parametrize("status", TicketStatus)
def test_a_slack_line_is_overdue_only_while_the_clock_runs(status: TicketStatus) -> None:
    late = ticket_line(NORTHWIND, ticket(status=status, due_at=at("09-15 08:30")), {}, TUESDAY)
    assert ("overdue" in late) == (status in ACTIVE - PAUSED)
