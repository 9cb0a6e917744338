"""Escalating a ticket to a tier: flows.tiers decides, chatdesk.tiers says which tier is meant [R37]."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from chatdesk.config import Config, parse_config
from chatdesk.conversation import DialogueState, Ended, Live, Ticketed, Visibility, Waiting
from chatdesk.effects import Decision, Post, Record, TicketDecision
from chatdesk.errors import EventRefused, TransitionRefused
from chatdesk.events import AnyEvent
from chatdesk.ticket import ACTIVE, Ticket, TicketStatus
from chatdesk.tiers import begun_by, tier_named, tiers_open_to
from flows import live_chat
from flows.ticket_work import step
from tests.desk_builders import (
    MARCUS,
    NORTHWIND,
    PRIYA,
    SAMPLE_DESK,
    TIERED,
    TIERS,
    TUESDAY,
    answered,
    assigned,
    at,
    ended,
    escalated,
    mails,
    posts,
    situation,
    taken,
    ticket,
    wrote,
)  # fmt: skip

STATUS = TicketStatus
NOW = at("09-15 11:00")
LIVE = Live(("marcus",))
PASSED = "HD-1024 has been passed to our Second line."
WHY = "Second line: needs the core switch"
NOTE = Post(MARCUS.author, f"Escalated to {WHY}", Visibility.INTERNAL)
WORKED_ON = ticket(status=STATUS.IN_PROGRESS, assignee="marcus", due_at=at("09-15 14:12"))


def work(
    about: Ticket, event: AnyEvent, state: DialogueState | None = None, config: Config = TIERED
) -> TicketDecision:
    return step(about, event, situation(about, state or Ended(TUESDAY), config=config))


def public(decision: TicketDecision) -> list[str]:
    return [one.text for one in decision.effects if isinstance(one, Post) and one.visibility == "public"]


def ids(config: Config, about: Ticket) -> list[str]:
    return [tier.id for tier in tiers_open_to(config, about)]


def test_an_escalated_ticket_has_the_tier_and_no_assignee_and_its_clocks_go_on() -> None:
    decision = work(WORKED_ON, escalated(when=NOW))
    assert decision.ticket == replace(WORKED_ON, assignee=None, tier="second", changed_at=NOW)
    assert decision.effects[:2] == (
        Record("escalated to a tier", MARCUS.author, WHY, STATUS.IN_PROGRESS, STATUS.IN_PROGRESS),
        NOTE,
    )


@pytest.mark.parametrize("status", TicketStatus)
def test_whatever_somebody_has_to_do_something_for_can_be_escalated_and_keeps_its_state(
    status: TicketStatus,
) -> None:
    about = ticket(status=status)
    if status in ACTIVE:
        assert work(about, escalated(when=NOW)).ticket.status is status
        return
    with pytest.raises(TransitionRefused, match=f"that is {status.value} cannot be escalated to a tier"):
        work(about, escalated(when=NOW))


def test_a_pause_goes_on_to_its_date() -> None:
    paused = replace(WORKED_ON, status=STATUS.WAITING_ON_VENDOR, waiting_until=at("09-17 09:00"))
    after = work(paused, escalated(when=NOW)).ticket
    assert (after.status, after.waiting_until, after.is_paused) == (paused.status, at("09-17 09:00"), True)


@pytest.mark.parametrize("state", [Ticketed(), Ended(TUESDAY)])
def test_the_customer_reads_once_where_it_is_and_never_why(state: DialogueState) -> None:
    decision = work(WORKED_ON, escalated(when=NOW), state)
    assert (public(decision), [mail.text for mail in mails(decision.effects)]) == ([PASSED], [PASSED])


@pytest.mark.parametrize("state", [Waiting(TUESDAY, NOW), LIVE])
def test_who_is_in_the_chat_reads_it_there_and_gets_no_mail(state: DialogueState) -> None:
    decision = work(WORKED_ON, escalated(when=NOW), state)
    assert (public(decision), mails(decision.effects)) == ([PASSED], [])


def test_a_live_chat_keeps_its_technician_until_another_has_joined() -> None:
    here = situation(WORKED_ON, LIVE, config=TIERED)
    assert live_chat.step(LIVE, escalated(when=NOW), here) == Decision(LIVE)
    after = work(WORKED_ON, escalated(when=NOW), LIVE).ticket
    goes_on = live_chat.step(LIVE, answered("Wait a moment.", NOW), situation(after, LIVE, config=TIERED))
    assert (goes_on.state, posts(goes_on.effects)) == (LIVE, ["Wait a moment."])
    joined = live_chat.step(LIVE, taken(NOW, PRIYA), situation(after, LIVE, config=TIERED))
    assert joined.state == Live(("marcus", "priya"))
    assert posts(joined.effects) == ["Priya from the help desk has joined."]


def test_who_takes_it_or_is_given_it_has_it_for_the_tier() -> None:
    waits = work(WORKED_ON, escalated(when=NOW)).ticket
    assert (by_taking := work(waits, taken(NOW, PRIYA)).ticket).assignee == "priya"
    assert (by_giving := work(waits, assigned(PRIYA, NOW)).ticket).assignee == "priya"
    assert by_taking.tier == by_giving.tier == "second"
    assert by_taking.status is STATUS.IN_PROGRESS


def test_a_new_ticket_that_was_escalated_is_assigned_when_somebody_takes_it() -> None:
    waits = work(ticket(), escalated(when=NOW)).ticket
    assert waits.status is STATUS.NEW
    assert work(waits, taken(NOW, PRIYA)).ticket.status is STATUS.ASSIGNED


def test_what_was_solved_while_it_waited_for_a_tier_opens_again_for_the_tier() -> None:
    waits = work(WORKED_ON, escalated(when=NOW)).ticket
    solved = work(waits, ended(NOW, solved=True)).ticket
    assert (solved.status, solved.tier) == (STATUS.CLOSED, "second")
    after = work(solved, wrote(when=NOW + timedelta(hours=1))).ticket
    assert (after.status, after.assignee, after.tier) == (STATUS.NEW, None, "second")


def test_it_can_be_passed_on_to_another_tier_and_back_to_one_that_somebody_of_it_has_left() -> None:
    waits = work(WORKED_ON, escalated(when=NOW)).ticket
    assert work(waits, escalated("network", NOW)).ticket.tier == "network"
    theirs = replace(waits, assignee="priya")
    assert work(theirs, escalated("second", NOW, PRIYA)).ticket.assignee is None


@pytest.mark.parametrize(
    ("about", "event", "said", "field"),
    [
        (WORKED_ON, escalated("third"), "Choose a tier of the desk's.", "tier"),
        (WORKED_ON, escalated(reason=" \n"), "Say why it is escalated; technicians read it.", "reason"),
        (
            replace(WORKED_ON, assignee=None, tier="second"),
            escalated(),
            "HD-1024 waits for Second line already.",
            "tier",
        ),
    ],
)
def test_what_cannot_be_escalated_is_refused_with_the_field_at_fault(
    about: Ticket, event: AnyEvent, said: str, field: str
) -> None:
    with pytest.raises(EventRefused) as refused:
        work(about, event)
    assert (str(refused.value), refused.value.field) == (said, field)


def test_a_desk_without_tiers_has_none_to_escalate_to() -> None:
    assert ids(NORTHWIND, WORKED_ON) == []
    with pytest.raises(EventRefused, match="Choose a tier"):
        work(WORKED_ON, escalated(when=NOW), config=NORTHWIND)


def test_what_waits_for_a_tier_can_be_escalated_to_the_others() -> None:
    assert ids(TIERED, WORKED_ON) == ["second", "network"]
    assert ids(TIERED, replace(WORKED_ON, assignee=None, tier="second")) == ["network"]
    assert ids(TIERED, replace(WORKED_ON, tier="second")) == ["second", "network"]
    assert ids(TIERED, replace(WORKED_ON, status=STATUS.CLOSED)) == []


def test_a_tier_that_is_not_in_the_file_any_more_is_shown_by_its_id() -> None:
    gone = replace(WORKED_ON, tier="night-shift")
    assert [TIERED.tier_name(each) for each in (gone.tier, "second", None)] == [
        "night-shift",
        "Second line",
        "",
    ]
    after = work(gone, answered(when=NOW + timedelta(hours=1))).ticket
    assert after.tier == "night-shift"


def test_a_technicians_own_tiers_come_first() -> None:
    def listed(email: str) -> list[str]:
        return [tier.id for tier in TIERED.tiers_for(email)]

    assert listed("Marcus@northwind.example") == ["network", "second"]
    assert listed("priya@northwind.example") == listed("sam@northwind.example") == ["second", "network"]


@pytest.mark.parametrize(
    ("words", "tier", "rest"),
    [
        ("second needs the core switch", "second", "needs the core switch"),
        ("Second Line: needs the core switch", "second", "needs the core switch"),
        ("  NETWORK   team  it is the core", "network", "team  it is the core"),
        ("network team it is the core", "network", "it is the core"),
        ("second", "second", ""),
    ],
)
def test_a_command_names_a_tier_by_its_id_or_name_and_then_says_why(words: str, tier: str, rest: str) -> None:
    found, reason = begun_by(TIERED, words)
    assert (found.id, reason) == (tier, rest)


@pytest.mark.parametrize("words", ["", "secondary school", "third because"])
def test_a_command_that_names_no_tier_is_told_which_there_are(words: str) -> None:
    with pytest.raises(EventRefused, match='Name a tier after the ticket: "second" or "network"'):
        begun_by(TIERED, words)
    with pytest.raises(EventRefused, match="This desk has no tiers"):
        begun_by(NORTHWIND, words)


def test_a_list_is_asked_for_by_a_tier_s_whole_name() -> None:
    found = [tier_named(TIERED, words) for words in ("Second line", "NETWORK", "network t", "")]
    assert [tier and tier.id for tier in found] == ["second", "network", None, None]


def test_tiers_are_read_in_the_files_order_with_addresses_in_one_form() -> None:
    text = SAMPLE_DESK + TIERS.replace("marcus@", "Marcus@")
    second, network = parse_config(text, "sample desk").tiers
    assert (second.id, second.name, second.technicians) == (
        "second",
        "Second line",
        ("priya@northwind.example",),
    )
    assert network.has("MARCUS@northwind.example")
    assert not second.has("marcus@northwind.example")
