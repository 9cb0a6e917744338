"""What nodes tell one another of a commit: what went on whole, of all else the ids, and nothing twice."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from chatdesk.changes import Changes
from chatdesk.conversation import Author, AuthorKind, ConversationId, Message, Receipts, Visibility
from chatdesk.hub import ConversationChanged, ConversationNews, Hub
from chatdesk.nodes import Node
from storage.announcements import (
    LONGEST,
    Told,
    announcements,
    beginning,
    following,
    packed,
    read_told,
)
from tests.desk_builders import CHAT, TICKET, TUESDAY, conversation, ticket

NODE = Node("node")

DANA = Author(AuthorKind.CUSTOMER, "dana", "Dana Reyes")


def said(text: str = "Hello, is anybody there?", seq: int = 2) -> Message:
    return Message(CHAT, seq, DANA, Visibility.PUBLIC, text, TUESDAY, changed=seq)


def commit(*messages: Message, **more: Any) -> Changes:
    return Changes(conversations={CHAT: conversation()}, messages=list(messages), **more)


def told(changes: Changes, *went_on: ConversationId) -> Told:
    (text,) = announcements(NODE, changes, went_on or (CHAT,))
    return read_told(text)


def test_of_a_conversation_that_went_on_all_is_told_and_read_back_as_it_is() -> None:
    before = conversation(version=1)
    after = replace(
        before,
        last_seq=2,
        changed_at=TUESDAY + timedelta(microseconds=1),
        receipts=Receipts(2, 1, 4, 3),
        version=2,
    )
    found = told(Changes(conversations={CHAT: after}, messages=[said()]))
    (item,) = found.went_on
    assert following(before, item) == after
    assert item.messages == (said(),)
    assert (found.conversations, found.tickets) == ((), (TICKET,))


@pytest.mark.parametrize("known", [None, 1, 3, 4])
def test_what_was_told_follows_only_upon_the_version_before_it(known: int | None) -> None:
    (item,) = told(Changes(conversations={CHAT: conversation(version=3)})).went_on
    assert following(conversation(version=known) if known else None, item) is None


def test_a_nul_is_told_as_it_is_stored() -> None:
    (item,) = told(commit(said("a\0b"))).went_on
    assert item.messages[0].text == "a\ufffdb"


def test_a_node_knows_its_own_announcements_by_how_they_begin() -> None:
    texts = announcements(NODE, commit(said(), queue_changed=True), (CHAT,))
    assert all(text.startswith(beginning("node")) for text in texts)
    assert not any(text.startswith(beginning("nod")) for text in texts)


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
    assert (found.conversations, found.went_on) == ((CHAT,), ())


def test_a_conversation_that_did_more_than_go_on_is_told_by_its_id() -> None:
    found = told(commit(said()), ConversationId("another"))
    assert (found.conversations, found.went_on) == ((CHAT,), ())


def test_what_is_told_whole_of_many_conversations_takes_several_texts_and_nothing_is_left_out() -> None:
    names = [ConversationId(f"chat{number}") for number in range(600)]
    written = [
        replace(said("long " * (LONGEST if number == 7 else 20)), conversation=name)
        for number, name in enumerate(names)
    ]
    conversations = {name: replace(conversation(), id=name) for name in names}
    changes = Changes(conversations=conversations, messages=written, queue_changed=True)
    texts = announcements(NODE, changes, names)
    found = [read_told(text) for text in texts]
    assert max(len(text.encode()) for text in texts) <= LONGEST
    assert [(item.id, item.messages) for text in found for item in text.went_on] == [
        (name, (message,)) for name, message in zip(names, written, strict=True) if name != names[7]
    ]
    assert [name for text in found for name in text.conversations] == [names[7]]
    assert [text.queue for text in found] == [True] + [False] * (len(found) - 1)


def test_a_node_without_others_tells_nothing() -> None:
    alone = Node("alone")
    alone.may_have_others = False
    assert announcements(alone, commit(said()), (CHAT,)) == []
    assert announcements(Node(), commit(said()), (CHAT,)) == []


def test_of_two_things_that_are_too_long_together_each_is_told() -> None:
    facts, typing = [["agents:chat", "a" * (LONGEST - 100)]], [[CHAT, "agent", "1", "Marcus Bell", True]]
    texts = packed({"node": "node"}, {"typing": typing, "facts": facts})
    assert [sorted(json.loads(text)) for text in texts] == [["node", "typing"], ["facts", "node"]]


def news(version: int) -> ConversationChanged:
    return ConversationChanged(replace(conversation(), version=version), (), None)


def test_news_of_another_node_wait_for_what_is_missing_before_them() -> None:
    hub, heard = Hub(), list[ConversationNews]()
    hub.listen(CHAT, heard.append)
    hub.told(news(4).conversation)
    for version in (5, 7, 6):
        hub.pass_on_next(news(version))
    assert heard == [news(5), news(6), news(7)]


def test_nothing_is_told_before_what_is_still_being_read() -> None:
    hub, heard, asked = Hub(), list[ConversationNews](), list[ConversationId]()
    hub.listen(CHAT, heard.append)
    hub.told(news(4).conversation)
    hub.ask_missing = asked.append
    hub.is_asked = lambda _: True
    hub.pass_on_next(news(6))
    hub.publish(commit(said()))
    assert (heard, asked) == ([], [CHAT, CHAT])
    hub.pass_on(news(5))
    assert heard[:2] == [news(5), news(6)]
