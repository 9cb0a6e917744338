from __future__ import annotations

import pytest
from msgspec.structs import replace

from chatdesk.config import Config
from chatdesk.conversation import Surveying, Ticketed
from chatdesk.effects import Announce, Decision, MailKind, MailRequester, OpenTicket, Record
from chatdesk.ticket import Ticket, TicketStatus
from flows.live_chat import step
from tests.desk_builders import (
    ANSWERS,
    FRIDAY_EVENING,
    NORTHWIND,
    answers,
    at,
    conversation,
    desk,
    mails,
    posts,
    situation,
    submitted,
)

PROMISE = (
    "Our chat is open Monday to Friday, 7:00 AM to 5:30 PM EDT. Your request is ticket HD-1026; we have "
    "e-mailed you a copy. A technician will contact you on Monday, September 21, from 7:00 AM. If work has "
    "stopped completely, call 555-0100 now."
)


def open_ticket(when: str, config: Config = NORTHWIND, widget: str = "desk", **said: str) -> Decision:
    chat = conversation(widget=widget, ticket=None)
    event = replace(submitted(at(when), widget=widget), answers=answers(**said))
    return step(Surveying(), event, situation(chat=chat, config=config, next_number=1026))


def opened(decision: Decision) -> Ticket:
    [ticket] = [effect.ticket for effect in decision.effects if isinstance(effect, OpenTicket)]
    return ticket


def test_the_customer_reads_hours_number_date_and_whom_to_call() -> None:
    decision = open_ticket("09-18 17:30")
    assert posts(decision.effects) == [ANSWERS["issue"], PROMISE]
    assert mails(decision.effects) == [MailRequester(MailKind.OPENED, PROMISE)]


def test_the_answers_become_a_ticket_at_once_and_staff_are_told() -> None:
    decision = open_ticket("09-18 17:30")
    ticket = opened(decision)
    assert (ticket.number, ticket.status, ticket.opened_at) == (1026, TicketStatus.NEW, FRIDAY_EVENING)
    assert ticket.promised_at == at("09-21 07:00")
    assert decision.state == Ticketed(at("09-21 07:00"), earliest=True)
    assert Announce("ticket after hours") in decision.effects
    [record] = [effect for effect in decision.effects if isinstance(effect, Record)]
    assert (record.what, record.why, record.after) == ("opened", "outside business hours", TicketStatus.NEW)


def test_the_chat_is_open_until_the_last_second() -> None:
    assert not isinstance(open_ticket("09-18 17:29:59").state, Ticketed)
    assert isinstance(open_ticket("09-18 17:30:00").state, Ticketed)
    assert isinstance(open_ticket("09-21 06:59:59").state, Ticketed)
    assert not isinstance(open_ticket("09-21 07:00:00").state, Ticketed)


@pytest.mark.parametrize(
    ("when", "words"),
    [
        ("09-15 06:45", "on Tuesday, September 15, from 7:00 AM."),
        ("09-15 17:30", "on Wednesday, September 16, from 7:00 AM."),
        ("09-19 03:00", "on Monday, September 21, from 7:00 AM."),
        ("11-25 17:45", "on Friday, November 27, from 7:00 AM."),
        ("11-26 10:00", "on Friday, November 27, from 7:00 AM."),
        ("12-24 20:00", "on Monday, December 28, from 7:00 AM."),
    ],
)
def test_the_promise_is_the_next_business_day(when: str, words: str) -> None:
    assert f"A technician will contact you {words}" in posts(open_ticket(when).effects)[1]


def test_the_hours_are_said_in_the_zone_of_the_promised_day() -> None:
    text = posts(open_ticket("10-30 18:00").effects)[1]
    assert "7:00 AM to 5:30 PM EST." in text
    assert "on Monday, November 2, from 7:00 AM." in text


@pytest.mark.parametrize(
    ("zone", "hours", "promise"),
    [
        ("America/New_York", "7:00 AM to 5:30 PM EDT", "Monday, September 21, from 7:00 AM."),
        ("America/Los_Angeles", "7:00 AM to 5:30 PM PDT", "Monday, September 21, from 10:00 AM EDT."),
        ("Asia/Tokyo", "7:00 AM to 5:30 PM JST", "Sunday, September 20, from 6:00 PM EDT."),
    ],
)
def test_the_promise_names_its_zone_where_the_hours_are_said_in_another(
    zone: str, hours: str, promise: str
) -> None:
    config = desk(("[calendars.chat]", f'[calendars.chat]\ntimezone = "{zone}"'))
    text = posts(open_ticket("09-18 23:00", config).effects)[1]
    assert hours in text
    assert f"A technician will contact you on {promise}" in text


@pytest.mark.parametrize(
    ("form", "hours", "promise"),
    [
        ("form = {}\n", "Monday to Friday, 7:00 AM to 5:30 PM EDT", "Friday, September 18, from 7:00 AM."),
        (
            'form = { calendar = "desk" }\n',
            "Monday to Friday, 8:30 AM to 5:00 PM EDT",
            "Friday, September 18, from 8:30 AM.",
        ),
    ],
    ids=["without a calendar", "with its own"],
)
def test_the_form_has_the_hours_of_its_widget_and_speaks_of_the_help_desk(
    form: str, hours: str, promise: str
) -> None:
    config = desk(('phone  = { calendar = "always" }\n', f'phone  = {{ calendar = "always" }}\n{form}'))
    event = replace(submitted(at("09-18 05:00"), live=False), channel="form")
    chat = conversation(channel="form", ticket=None)
    decision = step(Surveying(), event, situation(chat=chat, config=config, next_number=1026))
    text = posts(decision.effects)[1]
    assert text.startswith(f"Our help desk is open {hours}. Your request is ticket HD-1026;")
    assert f"A technician will contact you on {promise}" in text


def test_who_cannot_work_reads_the_phone_number_first() -> None:
    text = posts(open_ticket("09-18 17:30", urgency="No").effects)[1]
    assert text.startswith("Call 555-0100 now, since your work has stopped. Our chat is open Monday")
    assert text.count("555-0100") == 1
    assert text.endswith("A technician will contact you on Monday, September 21, from 7:00 AM.")


def test_a_desk_without_a_phone_names_none() -> None:
    no_phone = desk(('phone = "555-0100"\n', ""))
    for urgency in ("Yes", "No"):
        assert "call" not in posts(open_ticket("09-18 17:30", no_phone, urgency=urgency).effects)[1].lower()


def test_where_the_chat_never_opens_the_desk_s_other_hours_make_the_promise() -> None:
    text = posts(open_ticket("09-15 10:12", widget="closed").effects)[1]
    assert text == (
        "Our chat is closed now. Your request is ticket HD-1026; we have e-mailed you a copy. "
        "A technician will contact you on Wednesday, September 16, from 8:30 AM EDT. "
        "If work has stopped completely, call 555-0100 now."
    )


def test_where_no_hours_are_known_no_date_is_made_up() -> None:
    around_the_clock = 'mon-sun = "00:00-24:00"'
    always = desk(
        ('mon-fri = "08:30-17:00"', around_the_clock),
        ('mon-fri = "07:00-17:30"', around_the_clock),
        ('holidays = ["2026-11-26", "2026-12-25"]', ""),
        ('holidays = "desk"', ""),
    )
    decision = open_ticket("09-15 10:12", always, widget="closed")
    assert "A technician will contact you as soon as possible." in posts(decision.effects)[1]
    assert decision.state == Ticketed(None)


def test_the_ticket_is_due_as_promised_or_earlier_where_the_policy_says_so() -> None:
    assert opened(open_ticket("09-18 17:30")).due_at == at("09-21 07:00")
    outage = open_ticket("09-18 17:30", impact="Everyone", urgency="No")
    assert opened(outage).due_at == at("09-18 17:45")


def test_a_web_form_after_hours_makes_the_same_promise() -> None:
    event = submitted(FRIDAY_EVENING, live=False)
    assert PROMISE in posts(step(Surveying(), event, situation(next_number=1026)).effects)
