from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from chatdesk.conversation import (
    Author,
    AuthorKind,
    Conversation,
    DialogueState,
    Ended,
    Live,
    Ticketed,
    Visibility,
    Waiting,
)
from chatdesk.effects import MailKind, MailRequester, Post, Record, StartTimer, TicketDecision
from chatdesk.errors import EventRefused, TransitionRefused
from chatdesk.events import (
    AnyEvent,
    TicketCancelled,
    TicketPaused,
    TicketReopened,
    TicketResolved,
    TicketResumed,
    TranscriptSent,
)
from chatdesk.ticket import ACTIVE, DONE, PAUSED, Ticket, TicketStatus, Trigger
from flows.ticket_work import step
from tests.desk_builders import (
    CHAT,
    MARCUS,
    PRIYA,
    TICKET,
    TUESDAY,
    VISITOR,
    answered,
    assigned,
    at,
    conversation,
    desk,
    ended,
    external_id,
    fired,
    left,
    mails,
    posts,
    situation,
    taken,
    ticket,
    wrote,
)

STATUS = TicketStatus
NOW = at("09-15 11:00")
THURSDAY = at("09-17 09:00")
LATER = desk(('auto_close = "0d"', 'auto_close = "2d"'))
LIVE = Live(("marcus",))
CLOSED = "HD-1024 is closed. Not solved? Reply here or to our e-mail and it re-opens."
LOOKS_AFTER = "Marcus from the help desk is looking after HD-1024."


def work(
    about: Ticket, event: AnyEvent, state: DialogueState | None = None, *chats: Conversation
) -> TicketDecision:
    mine = conversation(state or Ended(TUESDAY))
    return step(about, event, situation(about, chat=mine, others=chats))


def paused(trigger: Trigger, text: str = "", until: datetime | None = THURSDAY) -> TicketPaused:
    return TicketPaused(
        at=NOW, channel="web", external_id=external_id(), ticket=TICKET, agent=MARCUS, trigger=trigger,
        text=text, until=until,
    )  # fmt: skip


def asked(text: str = "Which version?") -> TicketPaused:
    return paused(Trigger.ASK_CUSTOMER, text, None)


def resolved(text: str = "Office was repaired.") -> TicketResolved:
    return TicketResolved(
        at=NOW, channel="web", external_id=external_id(), ticket=TICKET, agent=MARCUS, resolution=text
    )


def reopened(reason: str = "by mistake") -> TicketReopened:
    return TicketReopened(
        at=NOW, channel="web", external_id=external_id(), ticket=TICKET, agent=MARCUS, reason=reason
    )


def cancelled(reason: str = "spam, ignore") -> TicketCancelled:
    return TicketCancelled(
        at=NOW, channel="web", external_id=external_id(), ticket=TICKET, agent=MARCUS, reason=reason
    )


def resumed() -> TicketResumed:
    return TicketResumed(at=NOW, channel="web", external_id=external_id(), ticket=TICKET, agent=MARCUS)


def records(decision: TicketDecision) -> list[Record]:
    return [effect for effect in decision.effects if isinstance(effect, Record)]


def told(decision: TicketDecision) -> tuple[list[str], list[str]]:
    """What is said in the conversation, and what is mailed."""
    return posts(decision.effects), [mail.text for mail in mails(decision.effects)]


# Who may do what, in every state


@pytest.mark.parametrize("status", TicketStatus)
@pytest.mark.parametrize(
    ("event", "allowed"),
    [
        (taken(NOW), ACTIVE),
        (assigned(PRIYA, NOW), ACTIVE),
        (asked(), {STATUS.ASSIGNED, STATUS.IN_PROGRESS}),
        (paused(Trigger.WAIT_FOR_VENDOR), {STATUS.ASSIGNED, STATUS.IN_PROGRESS}),
        (paused(Trigger.SCHEDULE), {STATUS.ASSIGNED, STATUS.IN_PROGRESS}),
        (resumed(), PAUSED),
        (resolved(), ACTIVE),
        (reopened(), DONE),
        (cancelled(), {STATUS.NEW}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_staff_s_steps_follow_the_table(
    status: TicketStatus, event: AnyEvent, allowed: set[TicketStatus]
) -> None:
    about = ticket(status=status)
    if status not in allowed:
        with pytest.raises(TransitionRefused, match=f"A ticket that is {status.value} cannot be "):
            work(about, event)
        return
    decision = work(about, event)
    assert decision.ticket.changed_at == NOW
    record, *_ = records(decision)
    assert (record.by, record.before) == (MARCUS.author, status)
    assert record.after is not None


@pytest.mark.parametrize("status", TicketStatus)
def test_messages_are_never_refused_by_the_ticket(status: TicketStatus) -> None:
    about = ticket(status=status, assignee="marcus", resolved_at=TUESDAY)
    moves = {
        STATUS.WAITING_ON_CUSTOMER: STATUS.IN_PROGRESS,
        STATUS.RESOLVED: STATUS.ASSIGNED,
        STATUS.CLOSED: STATUS.ASSIGNED,
    }
    assert work(about, wrote(when=NOW)).ticket.status is moves.get(status, status)
    after_answer = STATUS.IN_PROGRESS if status is STATUS.ASSIGNED else status
    assert work(about, answered(when=NOW)).ticket.status is after_answer
    note = answered(when=NOW, see=Visibility.INTERNAL)
    assert work(about, note) == TicketDecision(about)


def test_whoever_answered_by_mail_what_they_were_asked_is_mailed_that_work_continues() -> None:
    asked = ticket(status=STATUS.WAITING_ON_CUSTOMER, assignee="marcus")
    news = "Work on HD-1024 continues now."
    assert told(work(asked, wrote(when=NOW), Ticketed())) == ([], [news])
    # Who is in the chat sees that.
    assert told(work(asked, wrote(when=NOW), LIVE)) == ([], [])


@pytest.mark.parametrize("status", TicketStatus)
def test_solved_by_the_customer_ends_what_is_active_and_nothing_else(status: TicketStatus) -> None:
    decision = work(ticket(status=status), ended(NOW, solved=True))
    assert decision.ticket.status is (STATUS.CLOSED if status in ACTIVE else status)


# Taking and giving


@pytest.mark.parametrize("state", [Ticketed(at("09-21 07:00")), Ended(TUESDAY)])
def test_who_takes_a_ticket_looks_after_it_and_the_customer_is_told(state: DialogueState) -> None:
    decision = work(ticket(), taken(NOW), state)
    assert (decision.ticket.assignee, decision.ticket.status) == ("marcus", STATUS.ASSIGNED)
    assert told(decision) == ([LOOKS_AFTER], [LOOKS_AFTER])


@pytest.mark.parametrize("state", [Waiting(TUESDAY, NOW), LIVE])
def test_in_a_chat_the_notice_of_joining_is_enough(state: DialogueState) -> None:
    assert told(work(ticket(), taken(NOW), state)) == ([], [])
    assert told(work(ticket(), assigned(PRIYA, NOW), state)) == ([], [])


def test_who_may_still_wait_reads_the_notice_of_joining_and_gets_the_mail() -> None:
    assert told(work(ticket(), taken(NOW), Ticketed(None, waiting_since=TUESDAY))) == ([], [LOOKS_AFTER])


# A customer who has closed the page reads it in a mail [R15, R25]


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (Ticketed(None, waiting_since=TUESDAY), [LOOKS_AFTER]),
        (Waiting(TUESDAY, NOW), []),
        (LIVE, []),
    ],
    ids=repr,
)
def test_who_has_closed_the_page_is_mailed_who_looks_after_the_ticket(
    state: DialogueState, said: list[str]
) -> None:
    about = ticket()
    assert told(step(about, taken(NOW), situation(about, state, gone=True))) == (said, [LOOKS_AFTER])


def test_who_has_closed_the_page_is_mailed_a_question_asked_in_the_chat() -> None:
    about = ticket(status=STATUS.IN_PROGRESS)
    decision = step(about, asked(), situation(about, LIVE, gone=True))
    assert mails(decision.effects) == [MailRequester(MailKind.COMMENT, "Which version?")]


@pytest.mark.parametrize("event", [resolved(), cancelled()])
def test_of_a_chat_that_ends_with_its_ticket_only_the_transcript_is_mailed(event: AnyEvent) -> None:
    about = ticket()
    assert mails(step(about, event, situation(about, LIVE, gone=True)).effects) == []


def test_taking_one_s_own_ticket_again_changes_nothing() -> None:
    about = ticket(status=STATUS.ASSIGNED, assignee="marcus")
    assert work(about, taken(NOW)) == TicketDecision(about)
    assert work(about, assigned(MARCUS, NOW)) == TicketDecision(about)


@pytest.mark.parametrize("status", sorted(ACTIVE - {STATUS.NEW}))
def test_a_ticket_that_somebody_has_is_handed_over_not_taken(status: TicketStatus) -> None:
    about = ticket(status=status, assignee="marcus")
    with pytest.raises(EventRefused) as refused:
        work(about, taken(NOW, PRIYA))
    assert refused.value.code == "taken"
    assert str(refused.value) == "HD-1024 has been taken already. Ask for it to be handed over."
    given = work(about, assigned(PRIYA, NOW, reason="knows the plant's network"))
    assert (given.ticket.assignee, given.ticket.status) == ("priya", status)
    assert records(given)[0].why == "to Priya: knows the plant's network"
    assert "plant" not in repr(told(given))


# Waiting


CHATS: list[DialogueState] = [Waiting(TUESDAY, NOW), LIVE]
NO_CHATS: list[DialogueState] = [Ticketed(None), Ticketed(None, waiting_since=TUESDAY), Ended(TUESDAY)]


@pytest.mark.parametrize("state", [*CHATS, *NO_CHATS], ids=repr)
def test_a_question_is_asked_once_and_mailed_once_where_nobody_chats(state: DialogueState) -> None:
    about = ticket(status=STATUS.IN_PROGRESS, assignee="marcus")
    decision = work(about, asked(" Which version?\0\n"), state)
    assert decision.ticket.status is STATUS.WAITING_ON_CUSTOMER
    [post] = [effect for effect in decision.effects if isinstance(effect, Post)]
    assert (post.author, post.text, post.visibility) == (MARCUS.author, " Which version?", Visibility.PUBLIC)
    expected = [] if state in CHATS else [MailRequester(MailKind.COMMENT, " Which version?")]
    assert mails(decision.effects) == expected


def test_a_question_has_words() -> None:
    with pytest.raises(EventRefused, match=r"Write the question to the customer\."):
        work(ticket(status=STATUS.IN_PROGRESS), asked("  "))


@pytest.mark.parametrize("trigger", [Trigger.WAIT_FOR_VENDOR, Trigger.SCHEDULE])
def test_waiting_for_a_date_tells_the_customer_and_comes_back_by_itself(trigger: Trigger) -> None:
    about = ticket(status=STATUS.IN_PROGRESS)
    decision = work(about, paused(trigger, "Contoso owes them money"))
    assert decision.ticket.waiting_until == THURSDAY
    assert StartTimer("date_reached", THURSDAY, of_ticket=True) in decision.effects
    text = "Work on HD-1024 continues on Thursday, September 17."
    assert told(decision) == ([text], [text])
    assert records(decision)[0].why == "Contoso owes them money"
    back = work(decision.ticket, fired("date_reached", THURSDAY, of_ticket=True))
    assert (back.ticket.status, back.ticket.waiting_until) == (STATUS.IN_PROGRESS, None)
    assert told(back) == (["Work on HD-1024 continues now."], ["Work on HD-1024 continues now."])


def test_a_date_in_another_year_is_told_with_its_year() -> None:
    decision = work(
        ticket(status=STATUS.IN_PROGRESS), paused(Trigger.SCHEDULE, until=NOW + timedelta(days=365))
    )
    text = "Work on HD-1024 continues on Wednesday, September 15, 2027."
    assert told(decision) == ([text], [text])


@pytest.mark.parametrize("trigger", [Trigger.WAIT_FOR_VENDOR, Trigger.SCHEDULE])
def test_a_date_to_wait_for_is_no_slip_of_the_keyboard(trigger: Trigger) -> None:
    about, furthest = ticket(status=STATUS.IN_PROGRESS), NOW + timedelta(days=2 * 366)
    assert work(about, paused(trigger, until=furthest)).ticket.waiting_until == furthest
    with pytest.raises(EventRefused, match=r"Choose a date within the next two years\.") as refused:
        work(about, paused(trigger, until=furthest + timedelta(seconds=1)))
    assert (refused.value.code, refused.value.field) == ("date", "until")


@pytest.mark.parametrize("until", [None, NOW, TUESDAY])
def test_a_date_to_wait_for_lies_ahead(until: datetime | None) -> None:
    with pytest.raises(EventRefused) as refused:
        work(ticket(status=STATUS.IN_PROGRESS), paused(Trigger.SCHEDULE, until=until))
    assert (refused.value.code, refused.value.field) == ("date", "until")


def test_one_waits_for_the_customer_a_vendor_or_a_date_and_nothing_else() -> None:
    with pytest.raises(EventRefused) as refused:
        work(ticket(status=STATUS.IN_PROGRESS), paused(Trigger.MERGE))
    assert refused.value.code == "pause"


def test_a_timer_that_is_no_longer_waited_for_is_ignored() -> None:
    waiting = ticket(status=STATUS.SCHEDULED, waiting_until=THURSDAY)
    working = ticket(status=STATUS.IN_PROGRESS)
    stale = fired("date_reached", THURSDAY - timedelta(days=1), of_ticket=True)
    assert work(waiting, stale) == TicketDecision(waiting)
    due = fired("date_reached", THURSDAY, of_ticket=True)
    assert work(working, due) == TicketDecision(working)


# Resolving, closing, opening again


def test_a_resolved_ticket_closes_at_once_where_the_desk_wants_it() -> None:
    decision = work(ticket(status=STATUS.IN_PROGRESS), resolved(" Office was repaired.\0 "))
    after = decision.ticket
    assert (after.status, after.resolution, after.resolved_at) == (STATUS.CLOSED, "Office was repaired.", NOW)
    assert [(record.before, record.after) for record in records(decision)] == [
        (STATUS.IN_PROGRESS, STATUS.RESOLVED),
        (STATUS.RESOLVED, STATUS.CLOSED),
    ]
    assert told(decision) == ([], [f"HD-1024 is resolved: Office was repaired.\n\n{CLOSED}"])


def test_a_resolution_read_in_the_chat_is_not_mailed_besides() -> None:
    assert told(work(ticket(status=STATUS.IN_PROGRESS), resolved(), LIVE)) == ([], [])


def test_the_chat_s_own_mail_is_enough_when_the_customer_says_solved() -> None:
    for state in (Ended(NOW), Ticketed(None)):
        assert told(work(ticket(), ended(NOW, solved=True), state)) == ([], [])


def test_a_resolution_has_words() -> None:
    with pytest.raises(EventRefused) as refused:
        work(ticket(), resolved(" \n"))
    assert (refused.value.code, refused.value.field) == ("empty", "resolution")


def test_a_resolved_ticket_closes_after_the_desk_s_time_unless_it_was_opened_again() -> None:
    after = step(ticket(), resolved(), situation(ticket(), Ended(TUESDAY), config=LATER))
    due = NOW + timedelta(days=2)
    assert after.ticket.status is STATUS.RESOLVED
    [started] = [effect for effect in after.effects if isinstance(effect, StartTimer)]
    assert (started.due, started.of_ticket) == (due, True)
    timer = fired(started.name, due, of_ticket=True)
    here = situation(after.ticket, Ended(TUESDAY), config=LATER)
    closed = step(after.ticket, timer, here)
    assert closed.ticket.status is STATUS.CLOSED
    assert told(closed) == ([], ["HD-1024 is closed."])
    open_again = step(after.ticket, wrote(when=NOW), here).ticket
    assert step(open_again, timer, here) == TicketDecision(open_again)
    later = ticket(status=STATUS.RESOLVED, resolved_at=NOW + timedelta(hours=1))
    assert step(later, timer, here) == TicketDecision(later)


@pytest.mark.parametrize("days", ["0d", "2d", "5d"])
def test_a_resolved_ticket_closes_as_was_set_although_the_desk_s_time_is_another_now(days: str) -> None:
    after = step(ticket(), resolved(), situation(ticket(), Ended(TUESDAY), config=LATER))
    [started] = [effect for effect in after.effects if isinstance(effect, StartTimer)]
    changed = desk(('auto_close = "0d"', f'auto_close = "{days}"'))
    here = situation(after.ticket, Ended(TUESDAY), config=changed)
    assert step(after.ticket, fired(started.name, started.due, of_ticket=True), here).ticket.status is (
        STATUS.CLOSED
    )


def test_a_timer_that_does_not_name_its_resolution_closes_what_was_resolved_then() -> None:
    done = ticket(status=STATUS.RESOLVED, resolved_at=NOW)
    here = situation(done, Ended(TUESDAY), config=LATER)
    for days, status in ((2, STATUS.CLOSED), (1, STATUS.RESOLVED)):
        timer = fired("auto_close", NOW + timedelta(days=days), of_ticket=True)
        assert step(done, timer, here).ticket.status is status


@pytest.mark.parametrize("status", sorted(DONE))
@pytest.mark.parametrize(("assignee", "after"), [("marcus", STATUS.ASSIGNED), (None, STATUS.NEW)])
@pytest.mark.parametrize(
    ("event", "said"),
    [(wrote(when=NOW), []), (reopened(), ["HD-1024 is open again."])],
)
def test_a_done_ticket_opens_again_for_the_same_technician(
    status: TicketStatus, assignee: str | None, after: TicketStatus, event: AnyEvent, said: list[str]
) -> None:
    about = ticket(
        status=status, assignee=assignee, resolved_at=TUESDAY, resolution="Fixed.", promised_at=TUESDAY,
        first_response_at=TUESDAY,
    )  # fmt: skip
    decision = work(about, event)
    again = decision.ticket
    assert (again.status, again.assignee, again.resolution) == (after, assignee, "")
    assert (again.resolved_at, again.promised_at) == (None, None)
    assert again.due_at == at("09-16 10:30")
    assert told(decision) == (said, ["HD-1024 is open again."])


def test_who_comes_back_in_chat_gets_no_mail_about_it() -> None:
    about = ticket(status=STATUS.CLOSED, assignee="marcus", resolved_at=TUESDAY)
    assert told(work(about, wrote(when=NOW), Waiting(NOW, NOW))) == ([], [])


def test_the_customer_is_the_one_who_opened_it_again() -> None:
    record, *_ = records(work(ticket(status=STATUS.CLOSED, resolved_at=TUESDAY), wrote(when=NOW)))
    assert (record.by.id, record.by.name, record.why) == (VISITOR, "Dana Reyes", "the customer wrote")


def test_the_reason_of_a_cancellation_stays_in_the_history() -> None:
    decision = work(ticket(), cancelled())
    assert records(decision)[0].why == "spam, ignore"
    assert "spam" not in repr(mails(decision.effects))
    assert mails(decision.effects)[0].text.startswith("HD-1024 was cancelled.")


# Promises and the rest


@pytest.mark.parametrize("event", [fired("no_answer", NOW), left(NOW), wrote(when=NOW), ended(NOW)])
def test_what_the_chat_promised_is_written_on_the_ticket(event: AnyEvent) -> None:
    soon = NOW + timedelta(hours=1)
    after = work(ticket(due_at=THURSDAY), event, Ticketed(soon)).ticket
    assert (after.promised_at, after.due_at) == (soon, soon)
    responded = work(ticket(due_at=THURSDAY, first_response_at=TUESDAY), event, Ticketed(soon))
    assert (responded.ticket.promised_at, responded.ticket.due_at) == (soon, soon)
    why = "for Tuesday, September 15, 12:00 PM EDT"
    desk = Author(AuthorKind.DESK, "desk", "Northwind IT")
    assert Record("contact promised", desk, why) in responded.effects
    again = work(responded.ticket, event, Ticketed(soon))
    assert again.ticket == responded.ticket


def test_a_chat_that_promised_nothing_leaves_the_ticket_as_it_is() -> None:
    about = ticket(promised_at=THURSDAY)
    for state in (Ticketed(None), Ticketed(THURSDAY), LIVE, Ended(NOW)):
        assert work(about, left(NOW), state) == TicketDecision(about)


def test_a_transcript_that_leaves_the_desk_is_in_the_history() -> None:
    sent = TranscriptSent(
        at=NOW, channel="web", external_id="t", conversation=CHAT, by=PRIYA.author, to="dana@contoso.example",
        format="html", internal=False,
    )  # fmt: skip
    record = Record("transcript sent", PRIYA.author, "public version as html to dana@contoso.example")
    assert work(ticket(), sent) == TicketDecision(ticket(), (record,))


def test_another_open_chat_of_the_ticket_is_enough_to_need_no_mail() -> None:
    decision = work(ticket(), taken(NOW), Ended(TUESDAY), conversation(LIVE, id="other"))
    assert told(decision) == ([], [])
