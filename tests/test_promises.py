from __future__ import annotations

import pytest
from msgspec.structs import replace

from chatdesk.business_hours import Calendar
from chatdesk.conversation import Waiting
from chatdesk.sla import next_business_day
from chatdesk.ticket import Priority
from flows.promises import (
    call_back_by,
    call_back_text,
    cancelled_words,
    closing_words,
    work_has_stopped,
)
from tests.desk_builders import ANSWERS, NEW_YORK, NORTHWIND, TUESDAY, at, desk, situation, ticket

PHONE = "If work has stopped completely, call 555-0100 now."
CHAT = NORTHWIND.calendars["chat"]
NEVER = Calendar.never("never", NEW_YORK)
CRITICAL, HIGH, STANDARD, LOW, SCHEDULED = Priority


# When


@pytest.mark.parametrize(
    ("calendar", "when", "day"),
    [
        (CHAT, "09-18 17:30", "09-21 07:00"),
        (CHAT, "09-15 05:00", "09-15 07:00"),
        (CHAT, "11-25 18:00", "11-27 07:00"),
        (NEVER, "09-15 10:12", "09-16 08:30"),
        (NEVER, "09-18 20:00", "09-21 08:30"),
    ],
)
def test_the_next_business_day_is_the_channel_s_or_else_the_desk_s(
    calendar: Calendar, when: str, day: str
) -> None:
    assert next_business_day(NORTHWIND, calendar, at(when)) == at(day)


def test_after_a_break_at_noon_the_desk_s_next_day_is_another_day() -> None:
    split = desk(('mon-fri = "08:30-17:00"', 'mon-fri = ["08:30-12:00", "13:00-17:00"]'))
    assert next_business_day(split, NEVER, at("09-15 10:12")) == at("09-16 08:30")


@pytest.mark.parametrize(
    ("priority", "when", "by"),
    [
        (CRITICAL, "09-15 10:12", "09-15 10:27"),
        (CRITICAL, "09-18 17:25", "09-18 17:40"),
        (HIGH, "09-15 16:20", "09-16 09:50"),
        (STANDARD, "09-15 10:12", "09-15 14:12"),
        (LOW, "09-15 10:12", "09-16 10:12"),
        (LOW, "09-18 10:12", "09-21 07:00"),
        (LOW, "11-25 10:12", "11-27 07:00"),
    ],
)
def test_the_call_back_is_due_as_the_policy_says_and_when_somebody_is_there(
    priority: Priority, when: str, by: str
) -> None:
    about = ticket(priority=priority)
    assert call_back_by(situation(about), about, at(when)) == at(by)


def test_a_priority_without_a_target_is_promised_no_time() -> None:
    about = ticket(priority=SCHEDULED)
    assert call_back_by(situation(about), about, TUESDAY) is None


def test_a_promise_stands_until_it_was_kept_or_is_over() -> None:
    promised = at("09-15 12:00")
    kept = ticket(promised_at=promised, first_response_at=TUESDAY)
    open_promise = ticket(promised_at=promised)
    assert call_back_by(situation(open_promise), open_promise, TUESDAY) == promised
    assert call_back_by(situation(kept), kept, TUESDAY) == at("09-15 14:12")
    assert call_back_by(situation(open_promise), open_promise, promised) == at("09-15 16:00")


# What is said


BUSY = "All technicians are busy. Keep waiting, or close this window:"


@pytest.mark.parametrize(
    ("promised", "words"),
    [
        ("09-15 16:10", "we will contact you at 555-0134 today before 4:10 PM."),
        ("09-16 09:50", "we will contact you at 555-0134 tomorrow before 9:50 AM."),
        ("09-21 09:50", "we will contact you at 555-0134 on Monday, September 21 before 9:50 AM."),
        ("09-21 07:00", "we will contact you at 555-0134 on Monday, September 21, from 7:00 AM EDT."),
        ("11-02 07:00", "we will contact you at 555-0134 on Monday, November 2, from 7:00 AM EST."),
        ("09-15 17:30", "we will contact you at 555-0134 today before 5:30 PM."),
    ],
)
def test_the_call_back_names_number_and_time(promised: str, words: str) -> None:
    about = ticket(promised_at=at(promised))
    said = call_back_text(situation(about, Waiting(TUESDAY, TUESDAY)), about, TUESDAY, BUSY)
    assert said == f"{BUSY} {words} {PHONE}"


@pytest.mark.parametrize(
    ("phone", "email", "words"),
    [
        ("555-0134", "dana@contoso.example", "contact you at 555-0134 as soon as we can."),
        ("", "dana@contoso.example", "contact you at dana@contoso.example as soon as we can."),
        ("", "", "contact you as soon as we can."),
    ],
)
def test_without_a_time_or_a_number_nothing_is_made_up(phone: str, email: str, words: str) -> None:
    about = ticket(requester_phone=phone, requester_email=email)
    said = call_back_text(situation(about), about, TUESDAY, BUSY)
    assert said == f"{BUSY} we will {words} {PHONE}"


@pytest.mark.parametrize(
    ("channel", "contact"),
    [
        ("web", "contact you"),
        ("form", "contact you"),
        ("slack", "contact you"),
        ("portal", "contact you at 555-0134"),
    ],
)
def test_a_mail_names_the_number_only_to_an_address_that_is_more_than_typed(
    channel: str, contact: str
) -> None:
    about = ticket(channel=channel)
    said = call_back_text(situation(about), about, TUESDAY, BUSY, mailed=True)
    assert said == f"{BUSY} we will {contact} as soon as we can. {PHONE}"


def test_who_cannot_work_reads_the_phone_first_in_a_call_back_too() -> None:
    stopped = ticket(answers=tuple({**ANSWERS, "urgency": "No"}.items()))
    said = call_back_text(situation(stopped), stopped, TUESDAY, BUSY)
    assert said.startswith("Call 555-0100 now, since your work has stopped. All technicians are busy.")
    assert said.count("555-0100") == 1


@pytest.mark.parametrize(
    ("urgency", "stopped"), [("No", True), ("With difficulty", False), ("Yes", False), ("", False)]
)
def test_work_has_stopped_when_the_customer_cannot_keep_working(urgency: str, stopped: bool) -> None:
    about = ticket(answers=(("urgency", urgency),))
    assert work_has_stopped(situation(about), about) is stopped


def test_a_survey_that_does_not_ask_cannot_tell_that_work_has_stopped() -> None:
    asked = tuple(field for field in NORTHWIND.survey.fields if field.id != "urgency")
    config = replace(NORTHWIND, survey=replace(NORTHWIND.survey, fields=asked))
    about = ticket(answers=(("urgency", "No"),))
    assert not work_has_stopped(situation(about, config=config), about)


def test_the_closing_words_say_how_to_go_on() -> None:
    assert closing_words(situation(ticket())) == (
        "HD-1024 is closed. Not solved? Reply here or to our e-mail and it re-opens."
    )


def test_a_cancelled_ticket_points_to_a_new_chat_and_the_phone() -> None:
    start = "HD-1024 was cancelled. If you still need help, please start a new chat"
    assert cancelled_words(situation(ticket())) == f"{start} or call 555-0100."
    no_phone = desk(('phone = "555-0100"\n', ""))
    assert cancelled_words(situation(ticket(), config=no_phone)) == f"{start}."


def test_midnight_belongs_to_the_day_that_ends() -> None:
    always = desk(('web    = { calendar = "chat"', 'web    = { calendar = "always"'))
    about = ticket(promised_at=at("09-16 00:00"))
    here = situation(about, config=always)
    assert "today before midnight." in call_back_text(here, about, TUESDAY, BUSY)
