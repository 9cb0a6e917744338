"""chatdesk.queue_words: a report knows each step of the queue by what the dialogue says of it."""

from __future__ import annotations

import pytest

from chatdesk.conversation import DialogueState, Ended, Live, Surveying, Ticketed, Waiting
from chatdesk.events import AnyEvent
from chatdesk.queue_words import QueueStep, queue_step
from chatdesk.situation import Situation
from flows.live_chat import step
from tests.desk_builders import (
    FRIDAY_EVENING,
    MARCUS,
    PRIYA,
    TUESDAY,
    assigned,
    fired,
    left,
    posts,
    situation,
    submitted,
    taken,
    ticket,
    wrote,
)

WAITING = Waiting(TUESDAY, TUESDAY)
QUEUED, JOINED, NOBODY_CAME, LEFT = QueueStep
OPEN = ticket(assignee=MARCUS.id)


@pytest.mark.parametrize(
    ("state", "event", "found", "said"),
    [
        (Surveying(), submitted(), situation(next_number=1024), QUEUED),
        (Surveying(), submitted(urgency="No"), situation(next_number=1024), QUEUED),
        (Surveying(), submitted(live=False), situation(next_number=1024), None),
        (Surveying(), submitted(FRIDAY_EVENING), situation(next_number=1024), None),
        (Ended(TUESDAY), wrote(), situation(OPEN), QUEUED),
        (WAITING, taken(), situation(OPEN, WAITING), JOINED),
        (Ticketed(waiting_since=TUESDAY), taken(), situation(OPEN), JOINED),
        (Live((MARCUS.id,)), taken(agent=PRIYA), situation(OPEN), JOINED),
        (Live((MARCUS.id,)), assigned(PRIYA, agent=PRIYA), situation(OPEN), JOINED),
        (Live((MARCUS.id,)), assigned(PRIYA), situation(OPEN), None),
        (WAITING, fired("no_answer", TUESDAY), situation(OPEN, WAITING), NOBODY_CAME),
        (WAITING, fired("no_answer", TUESDAY, FRIDAY_EVENING), situation(OPEN, WAITING), NOBODY_CAME),
        (WAITING, left(), situation(OPEN, WAITING), LEFT),
    ],
)
def test_what_the_dialogue_says_is_known_again(
    state: DialogueState, event: AnyEvent, found: Situation, said: QueueStep | None
) -> None:
    texts = posts(step(state, event, found).effects)
    steps = [queue_step(text) for text in texts]
    assert [each for each in steps if each is not None] == ([said] if said else [])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "You are number two.",
        "HD-1024 is closed. Not solved? Reply here or to our e-mail and it re-opens.",
        "Your message was added to HD-1024. A technician will contact you on Monday.",
    ],
)
def test_other_words_say_nothing_of_the_queue(text: str) -> None:
    assert queue_step(text) is None
