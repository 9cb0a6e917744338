"""What nodes tell one another of a commit: a small one whole, of a larger one the ids, and nothing twice."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from chatdesk.changes import Changes
from chatdesk.conversation import Author, AuthorKind, ConversationId, Message, Visibility
from chatdesk.hub import ConversationChanged, ConversationNews, Hub
from chatdesk.nodes import Node
from storage.announcements import LONGEST, MANY, announcements, packed, told_news
from tests.desk_builders import CHAT, TICKET, TUESDAY, conversation, ticket

NODE = Node("node", has_others=lambda: True)

DANA = Author(AuthorKind.CUSTOMER, "dana", "Dana Reyes")


def said(text: str = "Hello, is anybody there?", seq: int = 2) -> Message:
    return Message(CHAT, seq, DANA, Visibility.PUBLIC, text, TUESDAY, changed=seq)


def commit(*messages: Message, **more: Any) -> Changes:
    return Changes(conversations={CHAT: conversation()}, messages=list(messages), **more)


def told(changes: Changes) -> dict[str, Any]:
    (text,) = announcements(NODE, changes)
    found: dict[str, Any] = json.loads(text)
    return found


def test_a_message_is_told_whole_and_read_back_as_it_was() -> None:
    found = told(commit(said()))
    assert told_news(found["news"][0]) == (conversation(), (said(),))
    assert "conversations" not in found
    assert found["tickets"] == [TICKET]


@pytest.mark.parametrize(
    "changes",
    [
        commit(said(), tickets={TICKET: ticket()}),
        commit(said(), revised={(CHAT, 1): said("Goodbye", seq=1)}),
        commit(said("long " * LONGEST)),
    ],
    ids=["the ticket changed", "a message was revised", "too long"],
)
def test_what_has_to_be_read_is_told_by_its_id(changes: Changes) -> None:
    found = told(changes)
    assert found["conversations"] == [CHAT]
    assert "news" not in found


def test_what_is_told_whole_of_many_conversations_takes_several_texts_and_nothing_is_left_out() -> None:
    names = [ConversationId(f"chat{number}") for number in range(MANY)]
    written = [
        replace(said("long " * (LONGEST if number == 7 else 20)), conversation=name)
        for number, name in enumerate(names)
    ]
    conversations = {name: replace(conversation(), id=name) for name in names}
    texts = announcements(NODE, Changes(conversations=conversations, messages=written, queue_changed=True))
    found = [json.loads(text) for text in texts]
    whole = [told_news(item) for text in found for item in text.get("news", ())]
    assert max(len(text.encode()) for text in texts) <= LONGEST
    assert {c.id: messages for c, messages in whole} == {
        name: (message,) for name, message in zip(names, written, strict=True) if name != names[7]
    }
    assert [name for text in found for name in text.get("conversations", ())] == [names[7]]
    assert [text for text in found if text.get("queue")] == [{"node": "node", "queue": True}]


def test_of_many_conversations_the_ids_are_told() -> None:
    names = [ConversationId(f"chat{number}") for number in range(MANY + 1)]
    texts = announcements(
        NODE, Changes(conversations={name: replace(conversation(), id=name) for name in names})
    )
    found = [json.loads(text) for text in texts]
    assert [name for text in found for name in text.get("conversations", ())] == names
    assert not any("news" in text for text in found)


def test_where_no_other_node_is_known_the_ids_are_told() -> None:
    (text,) = announcements(Node("node"), commit(said()))
    assert json.loads(text)["conversations"] == [CHAT]
    assert announcements(Node(), commit(said())) == []


def test_of_two_things_that_are_too_long_together_each_is_told() -> None:
    facts, typing = [["agents:chat", "a" * (LONGEST - 100)]], [[CHAT, "agent", "1", "Marcus Bell", True]]
    texts = packed({"node": "node"}, {"typing": typing, "facts": facts})
    assert [sorted(json.loads(text)) for text in texts] == [["node", "typing"], ["facts", "node"]]


def news(version: int) -> ConversationChanged:
    return ConversationChanged(replace(conversation(), version=version), (), None)


def test_news_of_another_node_wait_for_what_is_missing_before_them() -> None:
    hub, heard = Hub(), list[ConversationNews]()
    hub.listen(CHAT, heard.append)
    assert hub.pass_on_next(news(5))
    assert not hub.pass_on_next(news(7))
    assert hub.pass_on_next(news(6))
    assert heard == [news(5), news(6)]


def test_nothing_is_told_before_what_is_still_being_read() -> None:
    hub, heard, asked = Hub(), list[ConversationNews](), list[ConversationId]()
    hub.listen(CHAT, heard.append)
    hub.ask_missing = asked.append
    hub.is_asked = lambda _: True
    assert not hub.pass_on_next(news(5))
    hub.publish(commit(said()))
    assert (heard, asked) == ([], [CHAT])
