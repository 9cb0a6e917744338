from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from chatdesk.conversation import DialogueState, Ended, Ticketed, Waiting
from chatdesk.effects import Announce, MailKind, MailRequester, StartTimer
from chatdesk.errors import EventRefused
from chatdesk.situation import Situation
from chatdesk.ticket import Ticket, TicketStatus
from flows.live_chat import step
from tests.desk_builders import (
    FRIDAY_EVENING,
    TUESDAY,
    at,
    desk,
    fired,
    left,
    mails,
    posts,
    situation,
    someone_waits,
    ticket,
    wrote,
)

MINUTE = timedelta(minutes=1)
NOW = TUESDAY + 3 * MINUTE
WAITING = Waiting(TUESDAY, NOW)
PROMISED = at("09-15 14:12")
PHONE = "If work has stopped completely, call 555-0100 now."
BUSY = (
    "All technicians are busy. Keep waiting, or close this window: "
    f"we will contact you at 555-0134 today before 2:15 PM. {PHONE}"
)


def chat(state: DialogueState, about: Ticket | None = None) -> Situation:
    return situation(about or ticket(status=TicketStatus.ASSIGNED), state)


def test_who_comes_back_has_a_new_time_to_wait() -> None:
    decision = step(Ended(TUESDAY), wrote("Again.", NOW), chat(Ended(TUESDAY)))
    assert StartTimer("no_answer", NOW + 3 * MINUTE) in decision.effects


def test_who_comes_back_stands_behind_those_who_wait() -> None:
    about = ticket(status=TicketStatus.ASSIGNED)
    here = situation(about, Ended(TUESDAY), queue=(someone_waits("a", TUESDAY), someone_waits("b", TUESDAY)))
    said = posts(step(Ended(TUESDAY), wrote("Again.", NOW), here).effects)
    assert said[1] == "Your message was added to HD-1024. You are number 3 in the queue."


def test_who_went_on_waiting_keeps_their_place_when_they_write_again() -> None:
    kept = step(WAITING, fired("no_answer", NOW), chat(WAITING)).state
    later = someone_waits("later", TUESDAY + MINUTE)
    here = situation(ticket(status=TicketStatus.NEW), kept, queue=(later,))
    decision = step(kept, wrote("Anybody there?", NOW + MINUTE), here)
    assert posts(decision.effects)[1] == "Your message was added to HD-1024. You are number 1 in the queue."
    assert decision.state == Waiting(TUESDAY, NOW + 4 * MINUTE)


def test_who_closed_the_window_meanwhile_has_left_the_queue() -> None:
    kept = step(WAITING, fired("no_answer", NOW), chat(WAITING)).state
    gone = step(kept, left(NOW + MINUTE), chat(kept)).state
    later = someone_waits("later", TUESDAY + MINUTE)
    decision = step(
        gone, wrote("Anybody there?", NOW + 2 * MINUTE), situation(ticket(), gone, queue=(later,))
    )
    assert posts(decision.effects)[1] == "Your message was added to HD-1024. You are number 2 in the queue."


@pytest.mark.parametrize("status", [TicketStatus.RESOLVED, TicketStatus.CLOSED])
def test_a_closed_ticket_is_open_again_when_its_customer_comes_back(status: TicketStatus) -> None:
    here = chat(Ended(TUESDAY), ticket(status=status, resolved_at=TUESDAY))
    decision = step(Ended(TUESDAY), wrote("Still broken.", NOW), here)
    assert posts(decision.effects)[1] == "HD-1024 is open again. You are number 1 in the queue."


def test_a_promise_already_made_stands_and_is_not_mailed_again() -> None:
    about = ticket(promised_at=PROMISED)
    decision = step(WAITING, fired("no_answer", NOW), chat(WAITING, about))
    assert decision.state == Ticketed(PROMISED, waiting_since=TUESDAY)
    assert "today before 2:12 PM" in posts(decision.effects)[0]
    assert mails(decision.effects) == []


def test_a_promise_of_the_next_opening_says_that_contact_comes_from_then_on() -> None:
    about = ticket(promised_at=at("09-21 07:00"))
    decision = step(WAITING, fired("no_answer", NOW), chat(WAITING, about))
    assert decision.state == Ticketed(at("09-21 07:00"), earliest=True, waiting_since=TUESDAY)


def test_a_new_promise_is_mailed_as_it_was_said_but_for_the_number_that_was_typed() -> None:
    decision = step(WAITING, fired("no_answer", NOW), chat(WAITING))
    mailed = BUSY.replace("contact you at 555-0134", "contact you")
    assert mails(decision.effects) == [MailRequester(MailKind.STATUS, mailed)]


def test_who_still_waits_at_closing_time_is_told_so() -> None:
    state = Waiting(FRIDAY_EVENING - MINUTE, FRIDAY_EVENING + 2 * MINUTE)
    decision = step(state, fired("no_answer", state.until), chat(state))
    assert posts(decision.effects)[0].startswith(
        "Our chat has closed for now. You can close this window: we will contact you at 555-0134 "
        "on Monday, September 21 before 12:30 PM."
    )
    assert isinstance(decision.state, Ticketed)
    assert decision.state.may_wait


# Coming back


def test_after_hours_a_message_gets_the_date_once() -> None:
    state = Ended(TUESDAY)
    here = chat(state)
    first = step(state, wrote("And the printer.", FRIDAY_EVENING), here)
    assert first.state == Ticketed(at("09-21 07:00"), earliest=True)
    assert posts(first.effects) == [
        "And the printer.",
        "Your message was added to HD-1024. A technician will contact you on Monday, September 21, "
        f"from 7:00 AM EDT. {PHONE}",
    ]
    second = step(first.state, wrote("The big one.", FRIDAY_EVENING + MINUTE), chat(first.state))
    assert second.state == first.state
    assert second.effects == (second.effects[0], Announce("customer wrote"))
    assert posts(second.effects) == ["The big one."]


def test_on_the_promised_day_a_message_joins_the_queue_again() -> None:
    state = Ticketed(at("09-21 07:00"))
    assert isinstance(step(state, wrote("Good morning.", at("09-21 07:00")), chat(state)).state, Waiting)


@pytest.mark.parametrize("channel", ["email", "portal"])
@pytest.mark.parametrize("state", [Ended(TUESDAY), Ticketed(PROMISED)])
def test_a_letter_joins_no_queue(channel: str, state: DialogueState) -> None:
    decision = step(state, replace(wrote("Thanks, still broken.", NOW), channel=channel), chat(state))
    assert isinstance(decision.state, Ticketed)
    assert posts(decision.effects) == ["Thanks, still broken."]
    assert decision.effects[1:] == (Announce("customer wrote"),)


@pytest.mark.parametrize("status", [TicketStatus.CANCELLED, TicketStatus.MERGED])
def test_a_ticket_that_cannot_be_opened_again_says_so(status: TicketStatus) -> None:
    with pytest.raises(EventRefused) as refused:
        step(Ended(TUESDAY), wrote("Hello?", NOW), chat(Ended(TUESDAY), ticket(status=status)))
    assert refused.value.code == "ticket_over"
    assert "Please start a new chat." in str(refused.value)


@pytest.mark.parametrize("state", [Ended(TUESDAY), Ticketed()])
def test_a_ticket_re_opens_until_the_window_ends(state: DialogueState) -> None:
    config = desk(('reopen_window = "always"', 'reopen_window = "7d"'))
    here = situation(ticket(status=TicketStatus.CLOSED, resolved_at=TUESDAY), state, config=config)
    last = TUESDAY + timedelta(days=7)
    assert isinstance(step(state, wrote("Again.", last), here).state, Waiting)
    with pytest.raises(EventRefused) as refused:
        step(state, wrote("Again.", last + timedelta(seconds=1)), here)
    assert refused.value.code == "reopen_window"
    assert str(refused.value) == "HD-1024 was closed too long ago to re-open. Please start a new chat."


def test_without_a_window_a_ticket_re_opens_after_years() -> None:
    here = chat(Ended(TUESDAY), ticket(status=TicketStatus.CLOSED, resolved_at=TUESDAY))
    much_later = TUESDAY + timedelta(days=7 * 200)
    assert isinstance(step(Ended(TUESDAY), wrote("Again.", much_later), here).state, Waiting)
