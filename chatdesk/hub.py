"""Who is listening live: wakes listeners after a commit, and carries what is worth nothing later (typing)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import structlog
from msgspec import Struct

from chatdesk.changes import Changes
from chatdesk.conversation import Author, Conversation, ConversationId, Message
from chatdesk.ticket import Ticket, TicketNumber

News = TypeVar("News")
log = structlog.get_logger(__name__)


class ConversationChanged(Struct, frozen=True):
    """What one commit changed in one conversation; messages are in order of their latest change."""

    conversation: Conversation
    messages: tuple[Message, ...]
    ticket: Ticket | None


class Typing(Struct, frozen=True):
    """Somebody writes, or stopped; never stored. ``internal`` is for staff only."""

    conversation: ConversationId
    by: Author
    on: bool
    internal: bool = False


class TicketsChanged(Struct, frozen=True):
    """Tickets whose line in a list may have changed; ``announced`` holds those staff must be told of."""

    numbers: frozenset[TicketNumber]
    announced: tuple[tuple[TicketNumber, str], ...] = ()


class QueueChanged(Struct, frozen=True):
    """Somebody joined or left the queue, so places moved."""


ConversationNews = ConversationChanged | Typing
DeskNews = TicketsChanged | QueueChanged
ConversationListener = Callable[[ConversationNews], None]
DeskListener = Callable[[DeskNews], None]


class Hub:
    """Live listeners of this process. A listener is called on the event loop and must not wait.

    Where several nodes work on one desk, ``ask_missing`` is called with a conversation in which another
    node was faster, ``is_asked`` tells whether what it missed is still being read, and ``on_signal`` is
    called with what this node's people do, for the other nodes.
    """

    def __init__(self) -> None:
        self._conversations: dict[ConversationId, set[ConversationListener]] = {}
        self._desk: set[DeskListener] = set()
        self._newest: dict[ConversationId, Conversation] = {}
        self.ask_missing: Callable[[ConversationId], None] | None = None
        self.is_asked: Callable[[ConversationId], bool] = lambda _: False
        self.on_signal: Callable[[Typing], None] | None = None

    def listen(self, conversation: ConversationId, listener: ConversationListener) -> None:
        """Call ``listener`` with everything new in the conversation from now on."""
        self._conversations.setdefault(conversation, set()).add(listener)

    def told(self, conversation: Conversation) -> None:
        """Note that a listener was shown the conversation as it is here, by who has just read it."""
        if conversation.id in self._conversations:
            self._newest.setdefault(conversation.id, conversation)

    def unlisten(self, conversation: ConversationId, listener: ConversationListener) -> None:
        """Stop calling ``listener`` for the conversation; unknown ones are ignored."""
        listeners = self._conversations.get(conversation)
        if listeners is not None:
            listeners.discard(listener)
            if not listeners:
                del self._conversations[conversation]
                self._newest.pop(conversation, None)

    def listen_to_desk(self, listener: DeskListener) -> None:
        """Call ``listener`` with news of tickets and of the queue from now on."""
        self._desk.add(listener)

    def unlisten_to_desk(self, listener: DeskListener) -> None:
        """Stop calling ``listener`` with news of the desk; unknown ones are ignored."""
        self._desk.discard(listener)

    def publish(self, changes: Changes) -> None:
        """Tell listeners what a commit changed."""
        messages = _by_conversation(changes)
        for identity, conversation in changes.conversations.items():
            listeners = self._conversations.get(identity)
            if listeners:
                ticket = changes.tickets.get(conversation.ticket) if conversation.ticket else None
                news = ConversationChanged(conversation, tuple(messages.get(identity, ())), ticket)
                if self.ask_missing is not None and self._misses_some(news):
                    # Told in order: what another node has written before comes first.
                    self.ask_missing(identity)
                else:
                    self._newest[identity] = conversation
                    self._tell(listeners, news)
        if self._desk:
            self._publish_to_desk(changes)

    def signal(self, typing: Typing) -> None:
        """Tell listeners of the conversation, here and on other nodes, that somebody types."""
        self.pass_on(typing)
        if self.on_signal is not None:
            self.on_signal(typing)

    def pass_on(self, news: ConversationNews) -> None:
        """Tell listeners what another node told; what they know already is left out."""
        if isinstance(news, Typing):
            self._tell(self._conversations.get(news.conversation, set()), news)
            return
        identity = news.conversation.id
        listeners = self._conversations.get(identity)
        newest = self._newest.get(identity)
        if listeners and (newest is None or newest.version < news.conversation.version):
            self._newest[identity] = news.conversation
            self._tell(listeners, news)

    def pass_on_next(self, news: ConversationChanged) -> bool:
        """Tell listeners what another node told; False, and nothing told, when some before it is missing."""
        newest = self._newest.get(news.conversation.id)
        gap = newest is not None and news.conversation.version > newest.version + 1
        if gap or self.is_asked(news.conversation.id):
            return False
        self.pass_on(news)
        return True

    def pass_on_to_desk(self, news: DeskNews) -> None:
        """Tell the desk's listeners what another node told."""
        for listener in tuple(self._desk):
            _call(listener, news)

    def listened(self) -> dict[ConversationId, Conversation | None]:
        """Return the conversations somebody listens to, each as last told (None: not told of yet)."""
        return {identity: self._newest.get(identity) for identity in self._conversations}

    def newest(self, conversation: ConversationId) -> Conversation | None:
        """Return the conversation as its listeners were last told, if they were."""
        return self._newest.get(conversation)

    def listeners(self, conversation: ConversationId) -> int:
        """Return how many listen to the conversation."""
        return len(self._conversations.get(conversation, ()))

    def _misses_some(self, news: ConversationChanged) -> bool:
        """Tell whether the conversation has changes before these that nobody here was told of."""
        if self.is_asked(news.conversation.id):
            # Told now, what is being read would count as known when it comes.
            return True
        newest = self._newest.get(news.conversation.id)
        if newest is None:
            # Whoever listens is being shown it: what of it they will have read is not known yet.
            # Of one that this commit began there is nothing else.
            return news.conversation.version != 1
        first = min((message.changed for message in news.messages), default=news.conversation.last_seq + 1)
        return first > newest.last_seq + 1

    def _publish_to_desk(self, changes: Changes) -> None:
        numbers = {c.ticket for c in changes.conversations.values() if c.ticket is not None}
        tickets = TicketsChanged(frozenset(numbers | set(changes.tickets)), tuple(changes.announced.items()))
        for listener in tuple(self._desk):
            if tickets.numbers:
                _call(listener, tickets)
            if changes.queue_changed:
                _call(listener, QueueChanged())

    def _tell(self, listeners: set[ConversationListener], news: ConversationNews) -> None:
        for listener in tuple(listeners):
            _call(listener, news)


def _call(listener: Callable[[News], None], news: News) -> None:
    # One listener's fault must not keep the news from the others.
    try:
        listener(news)
    except Exception:
        log.exception("listener_failed")


def _by_conversation(changes: Changes) -> dict[ConversationId, list[Message]]:
    """Return what a commit posted and revised, each message once, in order of its latest change."""
    latest = changes.messages
    if changes.revised:
        untouched = (m for m in changes.messages if (m.conversation, m.seq) not in changes.revised)
        latest = sorted((*untouched, *changes.revised.values()), key=lambda message: message.changed)
    messages: dict[ConversationId, list[Message]] = {}
    for message in latest:
        messages.setdefault(message.conversation, []).append(message)
    return messages
