from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from chatdesk.conversation import DialogueState, Ended, FileRef, Live, Ticketed, Visibility, Waiting
from chatdesk.effects import MailKind, MailRequester, Post
from chatdesk.errors import EventRefused
from chatdesk.situation import Situation
from flows.live_chat import step
from flows.message_text import MAX_TEXT
from tests.desk_builders import TUESDAY, answered, mails, posts, situation, ticket, wrote

NOW = TUESDAY + timedelta(minutes=3)
WAITING = Waiting(TUESDAY, NOW)
LIVE = Live(("marcus",))


def chat(state: DialogueState) -> Situation:
    return situation(ticket(), state)


@pytest.mark.parametrize("text", ["", "  \r\n\t", "\0\0", "\u202e"], ids=ascii)
@pytest.mark.parametrize("state", [WAITING, LIVE, Ticketed(), Ended(TUESDAY)])
def test_a_message_says_something(state: DialogueState, text: str) -> None:
    for event in (wrote(text, NOW), answered(text, NOW), answered(text, NOW, see=Visibility.INTERNAL)):
        with pytest.raises(EventRefused) as refused:
            step(state, event, chat(state))
        assert refused.value.code in ("empty", "not_taken")


def test_a_file_needs_no_text() -> None:
    files = (FileRef("f", "screen.png", "image/png", 10),)
    [post] = step(LIVE, wrote("", NOW, files), chat(LIVE)).effects
    assert isinstance(post, Post)
    assert (post.text, post.files) == ("", files)
    sent = replace(answered("", NOW), files=files)
    assert mails(step(Ticketed(), sent, chat(Ticketed())).effects) == [
        MailRequester(MailKind.COMMENT, "screen.png")
    ]


def test_a_message_keeps_its_lines_and_loses_control_characters() -> None:
    decision = step(
        LIVE, wrote("  if x:\r\n\tgo \u05e9\u05dc\u05d5\u05dd 👍\0\x1b[1m\ud800\n\n", NOW), chat(LIVE)
    )
    assert posts(decision.effects) == ["  if x:\n\tgo \u05e9\u05dc\u05d5\u05dd 👍[1m"]


def test_a_message_has_a_longest_length() -> None:
    assert posts(step(LIVE, wrote("x" * MAX_TEXT, NOW), chat(LIVE)).effects) == ["x" * MAX_TEXT]
    with pytest.raises(EventRefused, match=r"Please shorten this to 20,000 characters; it has 20,001\."):
        step(LIVE, wrote("x" * (MAX_TEXT + 1), NOW), chat(LIVE))
