"""What a page is told of a conversation, and in which order."""

from __future__ import annotations

import json
from typing import Any

from msgspec.structs import replace

from adapters.web.news_feed import NewsFeed
from chatdesk.conversation import Author, AuthorKind, Ended, Message, Receipts, Visibility
from chatdesk.hub import ConversationChanged
from tests.test_conversation import AT, CHAT

MARCUS = Author(AuthorKind.AGENT, "marcus", "Marcus Bell")


def said(seq: int, visibility: Visibility = Visibility.PUBLIC) -> ConversationChanged:
    message = Message(CHAT.id, seq, MARCUS, visibility, f"message {seq}", AT, changed=seq)
    return ConversationChanged(replace(CHAT, last_seq=seq, version=seq), (message,), None)


def feed(*, staff: bool) -> tuple[NewsFeed, list[dict[str, Any]]]:
    frames: list[dict[str, Any]] = []
    return NewsFeed("HD", lambda frame: frames.append(json.loads(frame)), staff=staff), frames


def test_news_waits_until_the_page_is_up_to_date() -> None:
    told, frames = feed(staff=False)
    told.news(said(20))
    assert frames == []
    told.ready(said(19).conversation, said(19).messages)
    assert [(frame["t"], frame["seq"]) for frame in frames] == [("ready", 19), ("news", 20)]


def test_news_that_the_page_was_brought_up_to_date_with_is_not_told_again() -> None:
    told, frames = feed(staff=False)
    told.news(said(19))
    told.ready(said(19).conversation, said(19).messages)
    assert [frame["t"] for frame in frames] == ["ready"]


def test_the_state_is_told_when_it_is_another_one() -> None:
    told, frames = feed(staff=True)
    told.ready(CHAT, ())
    told.news(said(20))
    told.news(ConversationChanged(replace(CHAT, state=Ended(AT), version=21), (), None))
    told.news(
        ConversationChanged(replace(CHAT, state=Ended(AT), receipts=Receipts(9, 9), version=22), (), None)
    )
    assert [("state" in frame, frame.get("state", {}).get("phase")) for frame in frames] == [
        (True, "live"),
        (False, None),
        (True, "ended"),
        (True, "ended"),
    ]


def test_a_customer_hears_nothing_of_an_internal_note() -> None:
    told, frames = feed(staff=False)
    told.ready(CHAT, ())
    told.news(said(20, Visibility.INTERNAL))
    assert [frame["t"] for frame in frames] == ["ready"]


def test_staff_are_told_of_an_internal_note() -> None:
    told, frames = feed(staff=True)
    told.ready(CHAT, ())
    told.news(said(20, Visibility.INTERNAL))
    assert frames[1]["messages"][0]["internal"] is True
