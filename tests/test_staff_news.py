"""What single technicians are told in Slack and Teams, read from the history, each thing once [R36, R37]."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from chatdesk.changes import HistoryEntry
from chatdesk.conversation import Author, AuthorKind, Live
from chatdesk.escalation import ESCALATED
from chatdesk.reading import TicketFile
from chatdesk.staff import AgentAccount
from chatdesk.staff_news import SKEW, StaffNews, news_since
from chatdesk.ticket import Trigger
from chatdesk.tiers import escalation_of
from tests.desk_builders import MARCUS, PRIYA, TICKET, TIERED, TUESDAY, conversation, ticket

LATER = TUESDAY + timedelta(hours=1)
DANA = Author(AuthorKind.CUSTOMER, "visitor-dana", "Dana Reyes")
DESK = TIERED.desk.author
ACCOUNTS = [
    AgentAccount(agent.id, agent.name, f"{agent.id}@northwind.example", TUESDAY) for agent in (MARCUS, PRIYA)
]


def entry(trigger: Trigger, by: Author = MARCUS.author, why: str = "", minutes: int = 0) -> HistoryEntry:
    return HistoryEntry(TICKET, LATER + timedelta(minutes=minutes), by, trigger.value, why)


def file(*history: HistoryEntry, chat: Any = None, **ticket_facts: Any) -> TicketFile:
    facts = {"assignee": PRIYA.id, **ticket_facts}
    about = conversation() if chat is None else conversation(state=chat)
    return TicketFile(ticket(**facts), (about,), (), (), history, ())


def told(about: TicketFile, since: Any = LATER) -> StaffNews | None:
    return news_since(since, about, ACCOUNTS, TIERED)


def words(about: TicketFile) -> tuple[tuple[str, ...], str]:
    news = told(about)
    assert news is not None
    return news.to, news.words


def test_who_is_given_a_ticket_reads_by_whom_and_why() -> None:
    given = entry(Trigger.ASSIGN, why="to Priya")
    assert words(file(given)) == (("priya",), "Marcus has given you a ticket.")
    given = entry(Trigger.ASSIGN, why="to Priya: you know Dana: well")
    assert words(file(given)) == (("priya",), "Marcus has given you a ticket: you know Dana: well")


def test_nobody_is_told_what_they_did_themselves() -> None:
    assert told(file(entry(Trigger.ASSIGN, PRIYA.author))) is None
    assert told(file(entry(Trigger.REOPEN, PRIYA.author))) is None


def test_a_tier_is_told_without_the_one_who_escalated_and_without_closed_accounts() -> None:
    passed = entry(Trigger.ESCALATE, why="Network team: It is the core.")
    about = file(passed, assignee=None, tier="network")
    assert words(about) == (("priya",), "Marcus has escalated a ticket to Network team: It is the core.")
    closed = [ACCOUNTS[0], replace(ACCOUNTS[1], disabled_at=TUESDAY)]
    assert news_since(LATER, about, closed, TIERED) is None
    assert told(file(passed, assignee=None, tier="gone")) is None


def test_a_tiers_channel_reads_of_an_escalation_what_its_technicians_would_be_told() -> None:
    passed = entry(Trigger.ESCALATE, why="Network team: It is the core.")
    about = file(passed, assignee=None, tier="network")
    found, news = escalation_of(TIERED, about.ticket, about.history), told(about)
    assert found is not None
    assert news is not None
    assert (found.tier.id, found.words, found.key, found.at) == ("network", news.words, news.key, LATER)


def test_what_waits_for_no_tier_or_was_brought_to_it_otherwise_has_no_escalation_to_tell_of() -> None:
    passed = entry(Trigger.ESCALATE, why="Network team: It is the core.")
    for about in (
        file(passed, tier="network"),
        file(passed, assignee=None, tier="gone"),
        file(passed, assignee=None, tier="network", status="closed"),
        file(entry(Trigger.ASSIGN), assignee=None, tier="network"),
    ):
        assert escalation_of(TIERED, about.ticket, about.history) is None


def test_a_tier_is_not_told_of_a_ticket_that_somebody_has_taken_meanwhile() -> None:
    passed = entry(Trigger.ESCALATE, why="Network team: It is the core.")
    taken = entry(Trigger.ASSIGN, PRIYA.author, minutes=1)
    assert told(file(passed, taken, tier="network")) is None


def test_the_same_technician_is_told_again_of_a_ticket_that_comes_back() -> None:
    first, back = entry(Trigger.ASSIGN), entry(Trigger.ASSIGN, minutes=5)
    passed = entry(Trigger.ESCALATE, PRIYA.author, "Network team: core", minutes=2)
    one, other = told(file(first)), told(file(first, passed, back))
    assert one is not None
    assert other is not None
    assert one.key != other.key
    assert one.to == other.to


def test_the_assignee_is_told_that_a_ticket_goes_on() -> None:
    assert words(file(entry(Trigger.REOPEN, DANA))) == (
        ("priya",),
        "Dana Reyes has opened your ticket again.",
    )
    answered = entry(Trigger.CUSTOMER_MESSAGE, DANA)
    assert words(file(answered)) == (("priya",), "Dana Reyes has answered; your ticket goes on.")
    soon = HistoryEntry(TICKET, LATER, DESK, ESCALATED, "is due today, 12:12 PM")
    assert words(file(soon)) == (("priya",), "Your ticket is due today, 12:12 PM.")
    reached = entry(Trigger.DATE_REACHED, DESK)
    assert words(file(reached)) == (("priya",), "The date has come on which your ticket goes on.")


def test_who_is_in_the_chat_reads_there_that_the_customer_has_answered() -> None:
    answered = entry(Trigger.CUSTOMER_MESSAGE, DANA)
    assert told(file(answered, chat=Live((PRIYA.id,)))) is None
    assert told(file(answered, chat=Live((MARCUS.id,)))) is not None


def test_what_happened_before_the_delivery_and_what_is_over_is_nobodys_news() -> None:
    given = entry(Trigger.ASSIGN)
    assert told(file(given), LATER + SKEW) is not None
    assert told(file(given), LATER + 2 * SKEW) is None
    assert told(file(given, status="closed")) is None
    assert told(file()) is None
