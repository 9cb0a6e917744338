"""The hub: who is told what, in which order, and what one listener cannot do to the others."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from chatdesk.changes import Changes
from chatdesk.conversation import Author, AuthorKind, ConversationId, Message, Visibility
from chatdesk.hub import (
    ConversationChanged,
    ConversationNews,
    DeskNews,
    Hub,
    QueueChanged,
    TicketsChanged,
    Typing,
)
from tests.desk_builders import CHAT, TICKET, TUESDAY, conversation, ticket

DANA = Author(AuthorKind.CUSTOMER, "dana", "Dana Reyes")


def said(seq: int, changed: int | None = None, text: str = "Hello") -> Message:
    return Message(CHAT, seq, DANA, Visibility.PUBLIC, text, TUESDAY, changed=changed or seq)


def explode(_: object) -> None:
    raise RuntimeError


def changes(*messages: Message) -> Changes:
    return Changes(conversations={CHAT: conversation()}, tickets={TICKET: ticket()}, messages=list(messages))


def test_listeners_of_a_conversation_are_told_of_it_and_of_no_other() -> None:
    hub, heard, other = Hub(), list[ConversationNews](), list[ConversationNews]()
    hub.listen(CHAT, heard.append)
    hub.listen(ConversationId("other"), other.append)
    hub.publish(changes(said(1), said(2)))
    assert heard == [ConversationChanged(conversation(), (said(1), said(2)), ticket())]
    assert other == []


def test_a_message_posted_and_revised_in_one_commit_is_told_once_in_order_of_its_change() -> None:
    hub, heard = Hub(), list[ConversationNews]()
    hub.listen(CHAT, heard.append)
    made = changes(said(1), said(3))
    made.revised[CHAT, 1] = said(1, changed=2, text="Goodbye")
    hub.publish(made)
    (news,) = heard
    assert isinstance(news, ConversationChanged)
    assert [(m.seq, m.text) for m in news.messages] == [(1, "Goodbye"), (3, "Hello")]


@pytest.mark.parametrize("first", [True, False])
def test_a_raising_listener_keeps_the_news_from_nobody(first: bool) -> None:
    hub, heard, desk = Hub(), list[ConversationNews](), list[DeskNews]()
    listeners = [explode, heard.append] if first else [heard.append, explode]
    for listener in listeners:
        hub.listen(CHAT, listener)
    hub.listen_to_desk(explode)
    hub.listen_to_desk(desk.append)
    hub.publish(changes(said(1)))
    assert len(heard) == len(desk) == 1


def test_a_listener_may_leave_while_it_is_told() -> None:
    hub, heard = Hub(), list[ConversationNews]()

    def once(news: ConversationNews) -> None:
        heard.append(news)
        hub.unlisten(CHAT, once)

    hub.listen(CHAT, once)
    hub.publish(changes(said(1)))
    hub.publish(changes(said(2)))
    assert len(heard) == 1
    assert hub.listeners(CHAT) == 0


def test_leaving_twice_or_without_having_listened_does_nothing() -> None:
    hub = Hub()
    hub.unlisten(CHAT, explode)
    hub.unlisten_to_desk(explode)
    hub.listen(CHAT, explode)
    assert hub.listeners(CHAT) == 1
    hub.unlisten(CHAT, explode)
    hub.unlisten(CHAT, explode)
    assert hub.listeners(CHAT) == 0


def test_the_desk_is_told_of_tickets_whose_chats_changed_and_of_the_queue() -> None:
    hub, heard = Hub(), list[DeskNews]()
    hub.listen_to_desk(heard.append)
    made = replace(changes(said(1)), tickets={}, announced={TICKET: "chat waiting"}, queue_changed=True)
    hub.publish(made)
    assert heard == [TicketsChanged(frozenset({TICKET}), ((TICKET, "chat waiting"),)), QueueChanged()]


def test_typing_is_told_to_listeners_only() -> None:
    hub, heard = Hub(), list[ConversationNews]()
    typing = Typing(CHAT, DANA, on=True)
    hub.signal(typing)
    hub.listen(CHAT, heard.append)
    hub.signal(typing)
    assert heard == [typing]


def hub_beside_others(known: int | None) -> tuple[Hub, list[ConversationNews], list[ConversationId]]:
    """A hub beside other nodes; its one listener was shown the chat up to message ``known``, or not yet."""
    hub, heard, asked = Hub(), list[ConversationNews](), list[ConversationId]()
    hub.ask_missing = asked.append
    hub.listen(CHAT, heard.append)
    if known is not None:
        hub.told(conversation(last_seq=known, version=known))
    return hub, heard, asked


@pytest.mark.parametrize("known", [None, 11])
def test_what_another_node_wrote_before_is_asked_for_and_told_first(known: int | None) -> None:
    hub, heard, asked = hub_beside_others(known)
    hub.publish(changes(said(13)))
    assert (heard, asked) == ([], [CHAT])


def test_what_follows_what_a_listener_was_shown_is_told_at_once() -> None:
    hub, heard, asked = hub_beside_others(12)
    hub.publish(changes(said(13)))
    assert (len(heard), asked) == (1, [])


def test_what_a_commit_has_begun_lacks_nothing() -> None:
    hub, heard, asked = hub_beside_others(None)
    hub.publish(replace(changes(said(2)), conversations={CHAT: conversation(last_seq=2, version=1)}))
    assert (len(heard), asked) == (1, [])


def test_of_two_listeners_what_the_first_was_shown_counts() -> None:
    hub, heard, asked = hub_beside_others(10)
    hub.told(conversation(last_seq=12, version=12))
    hub.publish(changes(said(13)))
    assert (heard, asked) == ([], [CHAT])


def test_who_left_before_they_were_shown_anything_leaves_nothing_behind() -> None:
    hub = Hub()
    hub.listen(CHAT, explode)
    hub.unlisten(CHAT, explode)
    hub.told(conversation(last_seq=12))
    hub.listen(CHAT, explode)
    assert hub.listened() == {CHAT: None}
