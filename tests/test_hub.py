"""The hub: who is told what, in which order, and what one listener cannot do to the others."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from chatdesk.changes import Changes
from chatdesk.conversation import Author, AuthorKind, ConversationId, Message, Visibility
from chatdesk.hub import (
    MOST_EARLY,
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


def went_on(version: int, *, ticketed: bool = False) -> Changes:
    """A commit by which message ``version`` was posted, and the ticket changed too if it is to be."""
    tickets = {TICKET: ticket()} if ticketed else {}
    chat = conversation(last_seq=version, version=version)
    return Changes(conversations={CHAT: chat}, tickets=tickets, messages=[said(version)])


def news(version: int, *seqs: int) -> ConversationChanged:
    """What listeners hear of it: messages ``seqs``, by default the one."""
    messages = tuple(said(seq) for seq in seqs or (version,))
    return ConversationChanged(conversation(last_seq=version, version=version), messages, None)


@pytest.mark.parametrize("known", [None, 11])
def test_what_another_node_wrote_before_is_asked_for_and_told_first(known: int | None) -> None:
    hub, heard, asked = hub_beside_others(known)
    hub.publish(went_on(13))
    assert (heard, asked, hub.waits(CHAT)) == ([], [CHAT], True)


def test_what_follows_what_a_listener_was_shown_is_told_at_once() -> None:
    hub, heard, asked = hub_beside_others(12)
    hub.publish(went_on(13))
    assert (heard, asked, hub.waits(CHAT)) == ([news(13)], [], False)


def test_what_came_early_is_told_after_what_was_missing_before_it() -> None:
    hub, heard, _ = hub_beside_others(10)
    hub.publish(went_on(13))
    hub.publish(went_on(14))
    hub.pass_on_next(news(12))
    hub.pass_on_next(news(11))
    assert heard == [news(11), news(12), news(13), news(14)]
    assert not hub.waits(CHAT)


def test_what_came_early_is_told_to_who_was_just_shown_what_is_before_it() -> None:
    hub, heard, _ = hub_beside_others(None)
    hub.publish(went_on(13))
    hub.told(conversation(last_seq=12, version=12))
    assert heard == [news(13)]


def test_what_came_early_and_was_read_with_what_is_before_it_is_told_once() -> None:
    hub, heard, _ = hub_beside_others(11)
    hub.publish(went_on(13))
    hub.publish(went_on(14))
    hub.pass_on(news(13, 12, 13))
    assert heard == [news(13, 12, 13), news(14)]


def test_what_became_of_the_ticket_is_told_although_its_conversation_was_read() -> None:
    hub, heard, _ = hub_beside_others(11)
    hub.publish(went_on(13, ticketed=True))
    hub.pass_on(news(14, 12, 13, 14))
    assert heard == [news(14, 12, 13, 14), replace(news(14, 13), ticket=ticket())]


def test_nobody_is_told_of_an_older_state_after_a_newer_one() -> None:
    hub, heard, _ = hub_beside_others(14)
    hub.publish(went_on(13))
    assert heard == [news(14, 13)]
    assert hub.newest(CHAT) == news(14).conversation


def test_of_much_that_came_early_the_newest_is_kept_and_the_rest_is_read() -> None:
    hub, heard, asked = hub_beside_others(11)
    for version in range(13, 14 + MOST_EARLY):
        hub.publish(went_on(version))
    hub.pass_on_next(news(12))
    assert (heard, hub.waits(CHAT), set(asked)) == ([news(12)], True, {CHAT})
    hub.pass_on(news(13))
    assert [one.conversation.version for one in heard if isinstance(one, ConversationChanged)] == [
        *range(12, 14 + MOST_EARLY)
    ]


def test_with_the_last_listener_what_came_early_is_forgotten() -> None:
    hub, heard, _ = hub_beside_others(11)
    hub.listen(CHAT, explode)
    hub.publish(went_on(13))
    hub.unlisten(CHAT, explode)
    assert hub.waits(CHAT)
    hub.unlisten(CHAT, heard.append)
    assert not hub.waits(CHAT)
    hub.pass_on_next(news(14))
    assert not hub.waits(CHAT)


def test_what_a_commit_has_begun_lacks_nothing() -> None:
    hub, heard, asked = hub_beside_others(None)
    hub.publish(replace(changes(said(2)), conversations={CHAT: conversation(last_seq=2, version=1)}))
    assert (len(heard), asked) == (1, [])


def test_of_two_listeners_what_the_first_was_shown_counts() -> None:
    hub, heard, asked = hub_beside_others(10)
    hub.told(conversation(last_seq=12, version=12))
    hub.publish(went_on(13))
    assert (heard, asked) == ([], [CHAT])


def test_what_a_later_listener_was_shown_less_of_than_the_first_is_read() -> None:
    hub, heard, _ = hub_beside_others(12)
    behind = list[ConversationId]()
    hub.on_behind = behind.append
    hub.told(conversation(last_seq=12, version=12))
    assert behind == []
    hub.told(conversation(last_seq=10, version=10))
    assert behind == [CHAT]
    assert hub.listened() == {CHAT: conversation(last_seq=10, version=10)}
    hub.pass_on(news(12, 11, 12))
    hub.publish(went_on(13))
    assert heard == [news(12, 11, 12), news(13)]


def test_who_was_shown_less_than_is_known_by_now_has_been_told_of_the_rest() -> None:
    hub, _, _ = hub_beside_others(10)
    behind, late = list[ConversationId](), list[ConversationNews]()
    hub.on_behind = behind.append
    hub.listen(CHAT, late.append)
    hub.publish(went_on(11))
    hub.told(conversation(last_seq=10, version=10))
    assert (behind, len(late)) == ([], 1)


def test_who_left_before_they_were_shown_anything_leaves_nothing_behind() -> None:
    hub = Hub()
    hub.listen(CHAT, explode)
    hub.unlisten(CHAT, explode)
    hub.told(conversation(last_seq=12))
    hub.listen(CHAT, explode)
    assert hub.listened() == {CHAT: None}
