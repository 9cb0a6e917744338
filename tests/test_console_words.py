"""What the console calls things that the record keeps under short names."""

from __future__ import annotations

import pytest

from adapters.web.console_words import history_words, question_words
from chatdesk.changes import TRANSCRIPT_SENT, HistoryEntry
from chatdesk.config import load_config
from tests.desk_builders import MARCUS, TICKET, TUESDAY

DEMONSTRATION = load_config(None)


@pytest.mark.parametrize(
    ("question", "said"),
    [("issue", "What is happening?"), ("sender", "Sender's address"), ("gone", "gone")],
)
def test_answers_stand_beside_their_questions(question: str, said: str) -> None:
    assert question_words(DEMONSTRATION, question) == said


@pytest.mark.parametrize(
    ("what", "why", "said"),
    [
        (
            "escalated to a tier",
            "Second line: the core switch: it flaps",
            ("escalated to Second line", "the core switch: it flaps"),
        ),
        ("escalated", "is overdue", ("escalated", "is overdue")),
        (
            TRANSCRIPT_SENT,
            "public version as html to their own browser",
            ("saved the transcript", ""),
        ),
        (
            TRANSCRIPT_SENT,
            "internal version as text to the terminal",
            ("saved the internal transcript", ""),
        ),
        ("resolved", "Replaced.", ("resolved", "Replaced.")),
    ],
)
def test_a_saved_transcript_is_called_that(what: str, why: str, said: tuple[str, str]) -> None:
    assert history_words(HistoryEntry(TICKET, TUESDAY, MARCUS.author, what, why)) == said
