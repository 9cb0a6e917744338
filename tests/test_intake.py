from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from msgspec import structs

from chatdesk.conversation import Author, AuthorKind, Ended, Surveying, Ticketed, Waiting
from chatdesk.effects import Announce, Decision, MailKind, MailRequester, OpenTicket, Post, Record, StartTimer
from chatdesk.errors import EventRefused
from chatdesk.events import CallLogged
from chatdesk.situation import QueueEntry
from chatdesk.ticket import Priority, Ticket, TicketStatus, TicketType
from flows import ticket_work
from flows.live_chat import step
from flows.pre_chat_survey import SurveyRefused
from tests.desk_builders import (
    ANSWERS,
    CHAT,
    FRIDAY_EVENING,
    MARCUS,
    NORTHWIND,
    TUESDAY,
    VISITOR,
    answered,
    answers,
    at,
    conversation,
    desk,
    external_id,
    mails,
    posts,
    situation,
    someone_waits,
    submitted,
)

MINUTE = timedelta(minutes=1)
RECEIVED = desk(('order = "priority"', 'order = "received"'))
DANA = Author(AuthorKind.CUSTOMER, VISITOR, "Dana Reyes")


def opened(decision: Decision) -> Ticket:
    [ticket] = [effect.ticket for effect in decision.effects if isinstance(effect, OpenTicket)]
    return ticket


def by_survey(queue: tuple[QueueEntry, ...] = (), **changes: str) -> Decision:
    return step(
        Surveying(),
        structs.replace(submitted(), answers=answers(**changes)),
        situation(queue=queue, next_number=1024),
    )


def log_call(**changes: str) -> Decision:
    event = CallLogged(
        at=TUESDAY, channel="phone", external_id=external_id(), conversation=CHAT, agent=MARCUS,
        answers=answers(**changes),
    )  # fmt: skip
    return step(
        Surveying(), event, situation(chat=conversation(channel="phone", ticket=None), next_number=1024)
    )


def test_complete_answers_open_a_ticket_and_put_the_customer_in_the_queue() -> None:
    decision = by_survey((someone_waits("earlier", TUESDAY - MINUTE),))
    thanks = "Thank you, Dana. Your ticket is HD-1024. You are number 2 in the queue."
    assert decision.state == Waiting(TUESDAY, TUESDAY + 3 * MINUTE)
    assert decision.effects == (
        OpenTicket(opened(decision)),
        Record("opened", DANA, after=TicketStatus.NEW),
        Post(DANA, ANSWERS["issue"]),
        Post(Author(AuthorKind.DESK, "desk", "Northwind IT"), thanks),
        StartTimer("no_answer", TUESDAY + 3 * MINUTE),
        MailRequester(MailKind.OPENED, "Thank you, Dana. Your ticket is HD-1024."),
        Announce("chat waiting"),
    )


def test_the_ticket_holds_what_the_customer_said() -> None:
    ticket = opened(by_survey())
    assert ticket == Ticket(
        number=ticket.number,
        status=TicketStatus.NEW,
        type=TicketType.INCIDENT,
        priority=Priority.STANDARD,
        subject="Outlook does not open.",
        channel="web",
        opened_at=TUESDAY,
        changed_at=TUESDAY,
        requester_name="Dana Reyes",
        requester_email="dana@contoso.example",
        requester_phone="555-0134",
        company="Contoso",
        answers=tuple(ANSWERS.items()),
        due_at=at("09-15 14:12"),
    )
    assert ticket.number == 1024


def test_a_subject_is_the_first_line_shortened() -> None:
    assert opened(by_survey(issue="Printer\nIt blinks.")).subject == "Printer"
    long = opened(by_survey(issue="word " * 40)).subject
    assert len(long) <= 80
    assert long.endswith("word…")


def test_who_cannot_work_may_call_instead_of_waiting() -> None:
    said = posts(by_survey(urgency="No").effects)[1]
    assert said == (
        "Thank you, Dana. Your ticket is HD-1024. You are number 1 in the queue. "
        "Since your work has stopped, you can also call 555-0100 now."
    )


@pytest.mark.parametrize("impact", ["Only me", "Several people", "Everyone"])
@pytest.mark.parametrize("urgency", ["Yes", "With difficulty", "No"])
def test_impact_and_urgency_propose_the_priority(impact: str, urgency: str) -> None:
    proposed = {
        "Only me": {"Yes": "low", "With difficulty": "standard", "No": "high"},
        "Several people": {"Yes": "standard", "With difficulty": "standard", "No": "critical"},
        "Everyone": {"Yes": "standard", "With difficulty": "high", "No": "critical"},
    }
    ticket = opened(by_survey(impact=impact, urgency=urgency))
    assert ticket.priority.value == proposed[impact][urgency]
    assert not ticket.priority_confirmed


def test_without_impact_or_urgency_the_channel_s_default_priority_counts() -> None:
    low = desk(('web    = { calendar = "chat",', 'web    = { calendar = "chat", priority = "low",'))
    decision = step(Surveying(), submitted(impact=""), situation(config=low, next_number=1024))
    assert opened(decision).priority is Priority.LOW
    assert opened(by_survey(urgency="")).priority is Priority.STANDARD


# The queue in both orders [R24] [R42]


QUEUE = (
    someone_waits("low, first", TUESDAY - 5 * MINUTE, Priority.LOW),
    someone_waits("standard, second", TUESDAY - 4 * MINUTE, Priority.STANDARD),
    someone_waits("critical, third", TUESDAY - 3 * MINUTE, Priority.CRITICAL),
)


@pytest.mark.parametrize(
    ("impact", "urgency", "by_priority"),
    [
        ("Only me", "Yes", 4),
        ("Only me", "With difficulty", 3),
        ("Only me", "No", 2),
        ("Everyone", "No", 2),
    ],
)
def test_the_place_in_the_queue_follows_the_desk_s_order(impact: str, urgency: str, by_priority: int) -> None:
    event = submitted(impact=impact, urgency=urgency)
    for config, place in ((NORTHWIND, by_priority), (RECEIVED, 4)):
        decision = step(Surveying(), event, situation(config=config, queue=QUEUE, next_number=1024))
        assert f"You are number {place} in the queue." in posts(decision.effects)[1]


def test_who_came_at_the_same_moment_before_stands_before() -> None:
    decision = by_survey((someone_waits("same moment", TUESDAY),))
    assert "You are number 2 in the queue." in posts(decision.effects)[1]


# Without a chat


@pytest.mark.parametrize(
    ("channel", "name"), [("web", "live chat"), ("form", "web form"), ("desktop", "desktop icon")]
)
def test_a_way_in_that_is_not_offered_opens_no_ticket(channel: str, name: str) -> None:
    without = desk(('web    = { calendar = "chat", after_hours = "ticket" }', ""))
    event = structs.replace(submitted(), channel=channel)
    with pytest.raises(EventRefused, match=f"This desk has no {name}.") as refused:
        step(Surveying(), event, structs.replace(situation(next_number=1024), config=without))
    assert refused.value.code == "not_offered"


WITH_ICON = desk(
    (
        'phone  = { calendar = "always" }',
        'desktop = { calendar = "chat", first_contact = "1h", priority = "low" }',
    ),
    ('web    = { calendar = "chat", after_hours = "ticket" }\n', ""),
)


def by_icon(computer: str, when: datetime = TUESDAY, **changes: str) -> Decision:
    event = structs.replace(submitted(when), channel="desktop", computer=computer, answers=answers(**changes))
    chat = conversation(channel="desktop", widget="closed", ticket=None)
    return step(Surveying(), event, situation(chat=chat, config=WITH_ICON, next_number=1024))


def test_the_ticket_of_an_icon_names_its_computer_before_the_answers() -> None:
    ticket = opened(by_icon("PC-042"))
    assert (ticket.channel, ticket.answers) == ("desktop", (("Computer", "PC-042"), *ANSWERS.items()))
    assert opened(by_icon("")).answers == tuple(ANSWERS.items())


def test_an_icon_has_the_hours_the_priority_and_the_first_contact_of_its_own_channel() -> None:
    decision = by_icon("PC-042", impact="", urgency="")
    assert decision.state == Waiting(TUESDAY, TUESDAY + 3 * MINUTE)
    assert (opened(decision).priority, opened(decision).due_at) == (Priority.LOW, at("09-15 11:12"))
    closed = by_icon("PC-042", FRIDAY_EVENING)
    assert isinstance(closed.state, Ticketed)
    assert opened(closed).promised_at == at("09-21 07:00")


@pytest.mark.parametrize("channel", ["slack", "teams"])
def test_clients_who_share_a_channel_need_no_channel_that_is_offered_to_all(channel: str) -> None:
    event = structs.replace(submitted(), channel=channel)
    assert opened(step(Surveying(), event, situation(next_number=1024))).channel == channel


def test_a_web_form_opens_a_ticket_with_a_call_back_promise() -> None:
    decision = step(Surveying(), submitted(live=False), situation(next_number=1024))
    text = (
        "Thank you, Dana. Your ticket is HD-1024: we will contact you at 555-0134 today before 2:12 PM. "
        "If work has stopped completely, call 555-0100 now."
    )
    mailed = text.replace(" at 555-0134", "")
    assert decision.state == Ticketed(at("09-15 14:12"))
    assert posts(decision.effects)[1] == text
    assert mails(decision.effects) == [MailRequester(MailKind.OPENED, mailed)]
    assert Announce("ticket opened") in decision.effects
    assert opened(decision).promised_at == at("09-15 14:12")


def test_a_call_becomes_a_ticket_and_the_caller_gets_the_mail() -> None:
    decision = log_call()
    assert decision.state == Ended(TUESDAY)
    assert Record("logged", MARCUS.author, after=TicketStatus.NEW) in decision.effects
    assert posts(decision.effects) == [ANSWERS["issue"]]
    mail = MailRequester(MailKind.OPENED, "Marcus has written down your request as HD-1024.")
    assert mails(decision.effects) == [mail]
    assert Announce("call logged") in decision.effects
    assert (opened(decision).channel, opened(decision).requester_phone) == ("phone", "555-0134")


def test_a_call_was_the_first_response_so_that_the_ticket_is_due_to_be_resolved() -> None:
    logged = opened(log_call())
    assert (logged.first_response_at, logged.due_at) == (TUESDAY, at("09-16 09:42"))
    later = ticket_work.step(logged, answered(when=at("09-15 10:22")), situation(logged, Ended(TUESDAY)))
    assert later.ticket.due_at == at("09-16 09:42")


def test_another_long_question_after_the_issue_does_not_become_the_subject() -> None:
    tried = '  { id = "tried", ask = "What have you tried already?", type = "long" },\n]'
    asks = desk(('type = "long", required = true },\n]', f'type = "long", required = true }},\n{tried}'))
    event = structs.replace(submitted(), answers=answers(tried="Turned it off and on."))
    decision = step(Surveying(), event, situation(config=asks, next_number=1024))
    assert opened(decision).subject == ANSWERS["issue"]
    assert posts(decision.effects)[0] == ANSWERS["issue"]


def test_a_call_is_checked_like_a_survey() -> None:
    with pytest.raises(SurveyRefused) as refused:
        log_call(email="none")
    assert list(refused.value.problems) == ["email"]


def test_refused_answers_open_nothing() -> None:
    with pytest.raises(SurveyRefused):
        by_survey(name=" ")


def test_a_ticket_without_a_reserved_number_is_refused() -> None:
    with pytest.raises(EventRefused) as refused:
        step(Surveying(), submitted(), situation())
    assert refused.value.code == "no_number"


def test_a_client_s_widget_names_the_company_that_the_survey_does_not_ask_for() -> None:
    asked = tuple(field for field in NORTHWIND.survey.fields if field.id != "company")
    config = structs.replace(NORTHWIND, survey=structs.replace(NORTHWIND.survey, fields=asked))
    chat = conversation(widget="contoso", company_id="contoso", ticket=None)
    decision = step(Surveying(), submitted(), situation(chat=chat, config=config, next_number=1024))
    assert opened(decision).company == "Contoso"
