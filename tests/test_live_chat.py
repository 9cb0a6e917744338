from __future__ import annotations

from datetime import timedelta
from itertools import product

import pytest
from msgspec.structs import replace

from chatdesk.conversation import (
    AuthorKind,
    DialogueState,
    Ended,
    Live,
    Surveying,
    Ticketed,
    Visibility,
    Waiting,
)
from chatdesk.effects import Announce, Decision, MailKind, MailRequester, Post, Rate, Revise
from chatdesk.errors import EventRefused
from chatdesk.events import (
    AgentEnded,
    AgentJoined,
    AnyEvent,
    CustomerRated,
    MessageDeleted,
    MessageEdited,
    TicketCancelled,
    TicketMerged,
    TicketPaused,
    TicketReopened,
    TicketResolved,
    TranscriptSent,
)
from chatdesk.situation import Situation
from chatdesk.ticket import Ticket, TicketNumber, TicketStatus, Trigger
from flows.live_chat import MAX_COMMENT, step
from tests.desk_builders import (
    CHAT,
    FRIDAY_EVENING,
    MARCUS,
    PRIYA,
    TICKET,
    TUESDAY,
    answered,
    assigned,
    at,
    conversation,
    desk,
    ended,
    escalated,
    external_id,
    fired,
    left,
    mails,
    posts,
    situation,
    submitted,
    taken,
    ticket,
    wrote,
)

MINUTE = timedelta(minutes=1)
NOW = TUESDAY + 3 * MINUTE
WAITING = Waiting(TUESDAY, NOW)
LIVE = Live(("marcus",))
PROMISED = at("09-15 14:12")

STATES: dict[str, DialogueState] = {
    "surveying": Surveying(),
    "waiting": WAITING,
    "live": LIVE,
    "may wait": Ticketed(PROMISED, waiting_since=TUESDAY),
    "ticketed": Ticketed(PROMISED),
    "ended": Ended(TUESDAY),
}

JOINED = "Marcus from the help desk has joined."
CLOSED = "HD-1024 is closed. Not solved? Reply here or to our e-mail and it re-opens."
CANCELLED = "HD-1024 was cancelled. If you still need help, please start a new chat or call 555-0100."
QUEUED = "Your message was added to HD-1024. You are number 1 in the queue."
PHONE = "If work has stopped completely, call 555-0100 now."
CALL_BACK = f"we will contact you at 555-0134 today before 2:15 PM. {PHONE}"
BUSY = f"All technicians are busy. Keep waiting, or close this window: {CALL_BACK}"
LEFT = f"You have left the queue: {CALL_BACK}"
NOT_HERE = "The customer is not in the chat; write, and they get a mail."
SAME, REFUSED = "same", "refused"


def staff(
    kind: type[TicketReopened] | type[TicketResolved] | type[TicketCancelled], **fields: str
) -> AnyEvent:
    return kind(at=NOW, channel="web", external_id=external_id(), ticket=TICKET, agent=MARCUS, **fields)


def paused(trigger: Trigger, text: str = "Which version?") -> TicketPaused:
    return TicketPaused(
        at=NOW, channel="web", external_id=external_id(), ticket=TICKET, agent=MARCUS, trigger=trigger,
        text=text,
        until=None if trigger is Trigger.ASK_CUSTOMER else at("09-17 09:00"),
    )  # fmt: skip


def joins() -> AgentJoined:
    return AgentJoined(at=NOW, channel="web", external_id=external_id(), conversation=CHAT, agent=MARCUS)


def agent_ended() -> AgentEnded:
    return AgentEnded(at=NOW, channel="web", external_id=external_id(), conversation=CHAT, agent=MARCUS)


EVENTS: dict[str, AnyEvent] = {
    "customer wrote": wrote("Any news?", NOW),
    "customer left": left(NOW),
    "customer ended": ended(NOW),
    "customer solved": ended(NOW, solved=True),
    "agent wrote": answered("Hello.", NOW),
    "agent noted": answered("Check the licence.", NOW, see=Visibility.INTERNAL),
    "agent joined": joins(),
    "agent ended": agent_ended(),
    "taken": taken(NOW),
    "given to Priya": assigned(PRIYA, NOW),
    "given to self": assigned(MARCUS, NOW),
    "escalated to a tier": escalated(when=NOW),
    "asked": paused(Trigger.ASK_CUSTOMER),
    "vendor": paused(Trigger.WAIT_FOR_VENDOR),
    "resolved": staff(TicketResolved, resolution="Office was repaired."),
    "cancelled": staff(TicketCancelled, reason="spam, ignore"),
    "re-opened": staff(TicketReopened, reason="by mistake"),
    "merged": TicketMerged(
        at=NOW, channel="web", external_id="m", ticket=TICKET, agent=MARCUS, into=TicketNumber(1001)
    ),
    "no answer": fired("no_answer", NOW),
    "stale timer": fired("no_answer", NOW - MINUTE, NOW),
    "transcript": TranscriptSent(
        at=NOW, channel="web", external_id="t", conversation=CHAT, by=MARCUS.author, to="-", format="html",
        internal=False,
    ),
}  # fmt: skip

# (state, event) -> the state after it, what is said, the mails. Whatever is not here leaves all as it is.
TRANSCRIPT, STATUS, COMMENT = MailKind.TRANSCRIPT, MailKind.STATUS, MailKind.COMMENT
RESOLVED = ["Office was repaired.", CLOSED]
STAYS_OPEN = "has ended the chat. HD-1024 stays open; write here to add to it."
Row = tuple[DialogueState | str, list[str], list[MailKind]]

EXPECTED: dict[tuple[str, str], Row] = {
    ("waiting", "customer wrote"): (SAME, ["Any news?"], []),
    ("waiting", "customer left"): (Ticketed(at("09-15 14:15")), [LEFT], [STATUS]),
    ("waiting", "customer ended"): (Ticketed(at("09-15 14:15")), [LEFT], [STATUS]),
    ("waiting", "customer solved"): (Ended(NOW), [CLOSED], [TRANSCRIPT]),
    ("waiting", "agent wrote"): (REFUSED, ["Take the chat first."], []),
    ("waiting", "agent noted"): (SAME, ["Check the licence."], []),
    ("waiting", "agent joined"): (LIVE, [JOINED], []),
    ("waiting", "agent ended"): (REFUSED, ["Take the chat first."], []),
    ("waiting", "taken"): (LIVE, [JOINED], []),
    ("waiting", "given to Priya"): (SAME, ["Priya from the help desk will be with you."], []),
    ("waiting", "given to self"): (LIVE, [JOINED], []),
    ("waiting", "resolved"): (Ended(NOW), RESOLVED, [TRANSCRIPT]),
    ("waiting", "cancelled"): (Ended(NOW), [CANCELLED], [TRANSCRIPT]),
    ("waiting", "no answer"): (
        Ticketed(at("09-15 14:15"), waiting_since=TUESDAY),
        [BUSY],
        [STATUS],
    ),
    ("live", "customer wrote"): (SAME, ["Any news?"], []),
    ("live", "customer left"): (Ended(NOW), [f"Dana Reyes {STAYS_OPEN}"], [TRANSCRIPT]),
    ("live", "customer ended"): (Ended(NOW), [f"Dana Reyes {STAYS_OPEN}"], [TRANSCRIPT]),
    ("live", "customer solved"): (Ended(NOW), [CLOSED], [TRANSCRIPT]),
    ("live", "agent wrote"): (SAME, ["Hello."], []),
    ("live", "agent noted"): (SAME, ["Check the licence."], []),
    ("live", "agent ended"): (Ended(NOW), [f"Marcus {STAYS_OPEN}"], [TRANSCRIPT]),
    ("live", "given to Priya"): (Live(("priya", "marcus")), ["Priya from the help desk is taking over."], []),
    ("live", "resolved"): (Ended(NOW), RESOLVED, [TRANSCRIPT]),
    ("live", "cancelled"): (Ended(NOW), [CANCELLED], [TRANSCRIPT]),
    ("may wait", "customer wrote"): (Waiting(TUESDAY, NOW + 3 * MINUTE), ["Any news?", QUEUED], []),
    ("may wait", "customer left"): (Ticketed(PROMISED), [], []),
    ("may wait", "customer ended"): (Ticketed(PROMISED), [], []),
    ("may wait", "customer solved"): (Ended(NOW), [CLOSED], [STATUS]),
    ("may wait", "agent wrote"): (SAME, ["Hello."], [COMMENT]),
    ("may wait", "agent noted"): (SAME, ["Check the licence."], []),
    ("may wait", "agent joined"): (LIVE, [JOINED], []),
    ("may wait", "taken"): (LIVE, [JOINED], []),
    ("may wait", "resolved"): (Ended(NOW), RESOLVED, []),
    ("may wait", "cancelled"): (Ended(NOW), [CANCELLED], []),
    ("ticketed", "customer wrote"): (Waiting(NOW, NOW + 3 * MINUTE), ["Any news?", QUEUED], []),
    ("ticketed", "customer solved"): (Ended(NOW), [CLOSED], [STATUS]),
    ("ticketed", "agent wrote"): (SAME, ["Hello."], [COMMENT]),
    ("ticketed", "agent noted"): (SAME, ["Check the licence."], []),
    ("ticketed", "agent joined"): (
        REFUSED,
        [NOT_HERE],
        [],
    ),
    ("ticketed", "resolved"): (Ended(NOW), RESOLVED, []),
    ("ticketed", "cancelled"): (Ended(NOW), [CANCELLED], []),
    ("ended", "customer wrote"): (Waiting(NOW, NOW + 3 * MINUTE), ["Any news?", QUEUED], []),
    ("ended", "customer solved"): (Ended(NOW), [CLOSED], [STATUS]),
    ("ended", "agent wrote"): (SAME, ["Hello."], [COMMENT]),
    ("ended", "agent noted"): (SAME, ["Check the licence."], []),
    ("ended", "agent joined"): (
        REFUSED,
        [NOT_HERE],
        [],
    ),
    ("ended", "asked"): (Ticketed(), [], []),
    ("ended", "re-opened"): (Ticketed(), [], []),
    ("ended", "resolved"): (SAME, RESOLVED, []),
    ("ended", "cancelled"): (SAME, [CANCELLED], []),
}
UNCHANGED: Row = (SAME, [], [])


# Where the customer has closed the page: answers go by mail, nobody joins an empty chat [R15, R25].
WHEN_GONE: dict[tuple[str, str], Row] = {
    ("live", "agent wrote"): (SAME, ["Hello."], [COMMENT]),
    ("may wait", "taken"): UNCHANGED,
    ("may wait", "agent joined"): (REFUSED, [NOT_HERE], []),
}


def chat(state: DialogueState, about: Ticket | None = None, *, gone: bool = False) -> Situation:
    return situation(about or ticket(status=TicketStatus.ASSIGNED), state, gone=gone)


@pytest.mark.parametrize("gone", [False, True], ids=["there", "gone"])
@pytest.mark.parametrize(("state", "event"), product(list(STATES)[1:], EVENTS))
def test_each_state_answers_each_event(state: str, event: str, gone: bool) -> None:
    before = STATES[state]
    expected = EXPECTED | WHEN_GONE if gone else EXPECTED
    after, said, mailed = expected.get((state, event), UNCHANGED)
    if after == REFUSED:
        with pytest.raises(EventRefused) as refused:
            step(before, EVENTS[event], chat(before, gone=gone))
        assert [str(refused.value)] == said
        return
    decision = step(before, EVENTS[event], chat(before, gone=gone))
    assert decision.state == (before if after == SAME else after)
    assert posts(decision.effects) == said
    assert [mail.kind for mail in mails(decision.effects)] == mailed


@pytest.mark.parametrize("event", sorted(set(EVENTS) - {"agent noted", "resolved", "cancelled"}))
def test_before_the_survey_there_is_nothing_but_the_survey(event: str) -> None:
    with pytest.raises(EventRefused) as refused:
        step(Surveying(), EVENTS[event], situation())
    assert refused.value.code == "survey_first"


def test_a_second_survey_of_a_running_chat_changes_nothing() -> None:
    assert step(LIVE, submitted(NOW), chat(LIVE)) == Decision(LIVE)


def test_what_staff_have_to_know_of_is_announced() -> None:
    told = {
        ("waiting", "given to Priya"): "assigned",
        ("waiting", "no answer"): "nobody answered",
        ("ticketed", "customer wrote"): "customer came back",
    }
    for (state, event), reason in told.items():
        assert Announce(reason) in step(STATES[state], EVENTS[event], chat(STATES[state])).effects


# What is mailed to an address that was only typed


@pytest.mark.parametrize("event", ["customer left", "no answer"])
def test_the_promise_of_a_call_back_is_mailed_without_the_number_that_was_typed(event: str) -> None:
    decision = step(WAITING, EVENTS[event], chat(WAITING))
    [said], [mail] = posts(decision.effects), mails(decision.effects)
    assert mail.text == said.replace(" at 555-0134", "") != said


@pytest.mark.parametrize(("channel", "who"), [("web", "You have"), ("portal", "Dana Reyes has")])
def test_that_a_matter_is_solved_beside_another_s_chat_is_mailed_without_the_name_that_was_typed(
    channel: str, who: str
) -> None:
    about, other = ticket(channel=channel), conversation(LIVE, id="other")
    decision = step(Ticketed(), ended(NOW, solved=True), situation(about, Ticketed(), others=[other]))
    words = "ended the chat as solved. HD-1024 stays open; write here to add to it."
    assert posts(decision.effects) == [f"Dana Reyes has {words}"]
    assert mails(decision.effects) == [MailRequester(MailKind.STATUS, f"{who} {words}")]


# Live


def test_a_chat_in_progress_goes_on_after_closing_time() -> None:
    late = FRIDAY_EVENING + timedelta(hours=2)
    assert step(LIVE, wrote("It works now?", late), chat(LIVE)) == Decision(
        LIVE, step(LIVE, wrote("It works now?"), chat(LIVE)).effects
    )
    assert posts(step(LIVE, answered("Yes.", late), chat(LIVE)).effects) == ["Yes."]


def test_a_technician_joins_once_however_often_they_say_so() -> None:
    here = chat(LIVE)
    for event in (taken(NOW), joins(), answered("Hello.", NOW), assigned(MARCUS, NOW)):
        decision = step(LIVE, event, here)
        assert decision.state == LIVE
        assert JOINED not in posts(decision.effects)


def test_a_technician_who_answers_first_is_announced_by_it() -> None:
    decision = step(LIVE, answered("Hello.", NOW, PRIYA), chat(LIVE))
    assert decision.state == Live(("marcus", "priya"))
    assert posts(decision.effects) == ["Priya from the help desk has joined.", "Hello."]


def test_an_internal_note_neither_joins_nor_mails() -> None:
    for state in (WAITING, LIVE, Ticketed(), Ended(TUESDAY)):
        note = answered("Check the licence.", NOW, PRIYA, Visibility.INTERNAL)
        decision = step(state, note, chat(state))
        [post] = decision.effects
        assert decision.state == state
        assert isinstance(post, Post)
        assert post.visibility is Visibility.INTERNAL


def test_a_chat_taken_over_is_joined_without_another_notice() -> None:
    handed = step(LIVE, assigned(PRIYA, NOW), chat(LIVE)).state
    for event in (taken(NOW, PRIYA), answered("Hello.", NOW, PRIYA)):
        assert "Priya from the help desk has joined." not in posts(step(handed, event, chat(handed)).effects)


def test_who_takes_a_chat_over_for_themselves_has_joined() -> None:
    decision = step(LIVE, assigned(PRIYA, NOW, agent=PRIYA), chat(LIVE))
    assert posts(decision.effects) == ["Priya from the help desk has joined."]
    assert decision.state == Live(("priya", "marcus"))


def test_a_chat_given_to_who_is_there_already_says_nothing() -> None:
    both = Live(("marcus", "priya"))
    assert step(both, assigned(PRIYA, NOW), chat(both)) == Decision(Live(("priya", "marcus")))


# Done


def test_the_resolution_is_the_technician_s_own_message() -> None:
    decision = step(LIVE, EVENTS["resolved"], chat(LIVE))
    first, second = (effect for effect in decision.effects if isinstance(effect, Post))
    assert (first.author, second.author.kind) == (MARCUS.author, AuthorKind.DESK)
    assert mails(decision.effects) == [MailRequester(MailKind.TRANSCRIPT, CLOSED)]


def test_a_ticket_that_closes_later_is_called_resolved() -> None:
    later = desk(('auto_close = "0d"', 'auto_close = "2d"'))
    decision = step(LIVE, EVENTS["resolved"], situation(ticket(), LIVE, config=later))
    assert posts(decision.effects)[1].startswith("HD-1024 is resolved. Not solved?")


def test_the_resolution_is_read_in_one_of_the_ticket_s_conversations() -> None:
    old = conversation(Ended(TUESDAY), id="old")
    for newer, told in ((LIVE, newer_only := [[], RESOLVED]), (Ended(TUESDAY), newer_only)):
        new = conversation(newer, id="new")
        decisions = [
            step(one.state, EVENTS["resolved"],
                 replace(situation(ticket(), chat=one), conversations=(old, new)))
            for one in (old, new)
        ]  # fmt: skip
        assert [posts(decision.effects) for decision in decisions] == told


def test_the_reason_of_a_cancellation_is_not_shown() -> None:
    for state in (WAITING, LIVE, Ticketed(), Ended(TUESDAY)):
        assert "spam" not in repr(step(state, EVENTS["cancelled"], chat(state)).effects)


def test_a_solved_matter_is_not_closed_twice() -> None:
    for state in (Ticketed(), Ended(TUESDAY)):
        here = chat(state, ticket(status=TicketStatus.CLOSED, resolved_at=TUESDAY))
        assert step(state, ended(NOW, solved=True), here) == Decision(state)


# Edits, ratings


@pytest.mark.parametrize("state", STATES.values())
def test_authors_change_and_take_back_messages_in_any_state(state: DialogueState) -> None:
    by = MARCUS.author
    edited = MessageEdited(
        at=NOW, channel="web", external_id="e", conversation=CHAT, by=by, seq=3, text="Hi\0"
    )
    deleted = MessageDeleted(at=NOW, channel="web", external_id="d", conversation=CHAT, by=by, seq=3)
    assert step(state, edited, chat(state)) == Decision(state, (Revise(3, by, "Hi"),))
    assert step(state, deleted, chat(state)) == Decision(state, (Revise(3, by, None),))
    with pytest.raises(EventRefused):
        step(state, replace(edited, text=" "), chat(state))


def rated(score: int, comment: str = "") -> CustomerRated:
    return CustomerRated(
        at=NOW, channel="web", external_id="r", conversation=CHAT, visitor="v", score=score, comment=comment
    )


@pytest.mark.parametrize("score", [1, 5])
@pytest.mark.parametrize("state", [Ended(TUESDAY), Ticketed()])
def test_a_chat_is_rated_when_it_is_over(state: DialogueState, score: int) -> None:
    decision = step(state, rated(score, "Quick!\0" + "x" * 9_000), chat(state))
    assert decision == Decision(state, (Rate(score, ("Quick!" + "x" * 9_000)[:MAX_COMMENT]),))


@pytest.mark.parametrize(
    ("state", "score"), [(Ended(TUESDAY), 0), (Ended(TUESDAY), 6), (LIVE, 5), (WAITING, 5)]
)
def test_other_ratings_are_refused(state: DialogueState, score: int) -> None:
    with pytest.raises(EventRefused) as refused:
        step(state, rated(score), chat(state))
    assert refused.value.code == "rating"
