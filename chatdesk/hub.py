"""Who is listening live: wakes listeners after a commit, and carries what is worth nothing later (typing)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import structlog
from msgspec import Struct
from msgspec.structs import replace

from chatdesk.changes import Changes
from chatdesk.conversation import Author, Conversation, ConversationId, Message
from chatdesk.ticket import Ticket, TicketNumber

News = TypeVar("News")
log = structlog.get_logger(__name__)

MOST_EARLY = 100
"""News of one conversation that are kept until what was before them was told; of more the newest."""


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
    """Tickets that may have changed; ``announced`` holds those staff must be told of.

    With neither, any ticket may have changed: something of which this node was not told.
    """

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

    Where several nodes work on one desk, what one commits may be heard of before what another has committed
    earlier: it is kept until that was told. ``ask_missing`` is called with a conversation of which something
    is kept, ``is_asked`` tells whether it is being read. ``on_behind`` is called with one that has to be read
    from what ``newest`` says of it on, ``on_untold`` when something was committed of which nobody was told,
    and ``on_signal`` with what this node's people do, for the others.
    """

    def __init__(self) -> None:
        self._conversations: dict[ConversationId, set[ConversationListener]] = {}
        self._desk: set[DeskListener] = set()
        self._newest: dict[ConversationId, Conversation] = {}
        self._since: dict[ConversationId, int] = {}
        self._early: dict[ConversationId, list[ConversationChanged]] = {}
        self.ask_missing: Callable[[ConversationId], None] | None = None
        self.is_asked: Callable[[ConversationId], bool] = lambda _: False
        self.on_behind: Callable[[ConversationId], None] | None = None
        self.on_untold: Callable[[], None] | None = None
        self.on_signal: Callable[[Typing], None] | None = None

    def listen(self, conversation: ConversationId, listener: ConversationListener) -> None:
        """Call ``listener`` with everything new in the conversation from now on."""
        self._conversations.setdefault(conversation, set()).add(listener)

    def told(self, conversation: Conversation) -> None:
        """Note that a listener was shown the conversation as it is here, by who has just read it.

        All that follows what the first listener was shown is told to all. Who is shown less than that lacks
        what is in between, which was told to nobody: it is read.
        """
        identity = conversation.id
        if identity not in self._conversations:
            return
        on_behind = self.on_behind if conversation.version < self._since.get(identity, 0) else None
        if on_behind is not None or identity not in self._newest:
            self._newest[identity] = conversation
            self._since[identity] = conversation.version
        if on_behind is not None:
            on_behind(identity)
        self._tell_early(identity)

    def unlisten(self, conversation: ConversationId, listener: ConversationListener) -> None:
        """Stop calling ``listener`` for the conversation; unknown ones are ignored."""
        listeners = self._conversations.get(conversation)
        if listeners is not None:
            listeners.discard(listener)
            if not listeners:
                del self._conversations[conversation]
                self._newest.pop(conversation, None)
                self._since.pop(conversation, None)
                self._early.pop(conversation, None)

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
            if identity in self._conversations:
                ticket = changes.tickets.get(conversation.ticket) if conversation.ticket else None
                news = ConversationChanged(conversation, tuple(messages.get(identity, ())), ticket)
                if self.ask_missing is None:
                    self._tell_next(news)
                else:
                    self.pass_on_next(news)
        if self._desk:
            self._publish_to_desk(changes)
        if changes.recovered and self.on_untold is not None:
            self.on_untold()

    def signal(self, typing: Typing) -> None:
        """Tell listeners of the conversation, here and on other nodes, that somebody types."""
        self.pass_on(typing)
        if self.on_signal is not None:
            self.on_signal(typing)

    def pass_on(self, news: ConversationNews) -> None:
        """Tell listeners what another node did, as it was read; what they know already is left out."""
        if isinstance(news, Typing):
            self._tell(self._conversations.get(news.conversation, set()), news)
            return
        identity = news.conversation.id
        listeners = self._conversations.get(identity)
        newest = self._newest.get(identity)
        if listeners and (newest is None or newest.version < news.conversation.version):
            self._newest[identity] = news.conversation
            self._tell(listeners, news)
            self._tell_early(identity, news.conversation.version)

    def pass_on_next(self, news: ConversationChanged) -> None:
        """Tell listeners what a node has committed, this one or another, after all that was before it."""
        identity = news.conversation.id
        if identity not in self._conversations:
            return
        if not (identity in self._early or self.is_asked(identity) or self._is_early(news)):
            self._tell_next(news)
            return
        early = self._early.setdefault(identity, [])
        early.append(news)
        early.sort(key=lambda one: one.conversation.version)
        if not self.is_asked(identity):
            # Told while it is being read, what was read would count as known when it comes.
            self._tell_early(identity)
        if self.ask_missing is not None and self.waits(identity):
            # What is dropped is read with what is missing before it.
            del self._early[identity][:-MOST_EARLY]
            self.ask_missing(identity)

    def waits(self, conversation: ConversationId) -> bool:
        """Tell whether something of the conversation is kept until what is before it was told."""
        return conversation in self._early

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

    def _is_early(self, news: ConversationChanged) -> bool:
        """Tell whether the conversation has changes before these that nobody here was told of."""
        newest = self._newest.get(news.conversation.id)
        if newest is None:
            # Whoever listens is being shown it: what of it they will have read is not known yet.
            # Of one that this commit began there is nothing else.
            return news.conversation.version != 1
        return news.conversation.version > newest.version + 1

    def _tell_early(self, identity: ConversationId, told: int = 0) -> None:
        """Tell what was kept, as far as nothing is missing before it.

        Up to version ``told`` all have just been told everything but what became of the ticket.
        """
        early = self._early.pop(identity, [])
        early = [news for news in early if news.ticket is not None or news.conversation.version > told]
        while early and not self._is_early(early[0]):
            self._tell_next(early.pop(0))
        if early:
            self._early[identity] = early

    def _tell_next(self, news: ConversationChanged) -> None:
        identity = news.conversation.id
        newest = self._newest.get(identity)
        if newest is not None and newest.version > news.conversation.version:
            # It was read meanwhile. Not every listener needs to know these messages, but each may.
            news = replace(news, conversation=newest)
        self._newest[identity] = news.conversation
        self._tell(self._conversations.get(identity, set()), news)

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
