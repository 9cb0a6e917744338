"""A technician's live page: follows conversations and the desk, and speaks in them."""

from __future__ import annotations

from collections.abc import Callable, Set

from adapters.web import frames
from adapters.web.allowance import Allowance
from adapters.web.background import Background
from adapters.web.frames import Json, encode, error_frame
from adapters.web.news_feed import NewsFeed, known_until
from adapters.web.presence import Presence, PresenceListener
from adapters.web.services import Services
from adapters.web.submission import Submission
from adapters.web.text import clean
from adapters.web.visitor_events import CHANNEL, Common
from chatdesk.conversation import (
    Agent,
    AuthorKind,
    ConversationId,
    FileRef,
    Visibility,
)
from chatdesk.errors import EventRefused
from chatdesk.events import AgentMessaged, MessageDeleted, MessageEdited, ReceiptReported
from chatdesk.hub import (
    ConversationChanged,
    ConversationListener,
    ConversationNews,
    DeskNews,
    QueueChanged,
    TicketsChanged,
    Typing,
)
from chatdesk.note_mark import is_note, without_note_mark
from chatdesk.ticket import TicketNumber, format_number


class StaffSession:
    """One open console page of one technician. ``send`` takes encoded frames and never waits.

    ``broken`` is called when the page has to connect again to be brought up to date.
    """

    __slots__ = (
        "_agent",
        "_allowance",
        "_background",
        "_closed",
        "_desk_watched",
        "_feeds",
        "_on_presence",
        "_presence",
        "_send",
        "_services",
        "_submission",
        "_visitors",
        "_watched",
    )

    def __init__(
        self,
        services: Services,
        presence: Presence,
        agent: Agent,
        send: Callable[[str], None],
        broken: Callable[[], None],
    ) -> None:
        self._services = services
        self._presence = presence
        self._agent = agent
        self._send = send
        self._allowance = Allowance()
        self._submission = Submission(services.desk, send)
        self._watched: dict[ConversationId, ConversationListener] = {}
        self._feeds: dict[ConversationId, NewsFeed] = {}
        self._visitors: dict[ConversationId, str] = {}
        self._on_presence: PresenceListener = self._tell_presence
        self._desk_watched = False
        self._background = Background(broken)
        self._closed = False

    def close(self) -> None:
        """Stop listening, and act on no further frame: one may be on its way already."""
        self._closed = True
        for identity in tuple(self._watched):
            self._unwatch(identity)
        self._services.hub.unlisten_to_desk(self.on_desk_news)
        self._background.close()

    def handle(self, frame: frames.StaffFrame) -> None:
        """Act on one frame; what comes of it is sent later. Floods are told to slow down."""
        if self._closed:
            return
        if not self._allowance.take():
            client_id: str | None = getattr(frame, "id", None)
            self._send(error_frame("slow_down", "Too many messages at once. Wait a moment.", client_id))
            return
        try:
            self._act(frame)
        except EventRefused as refusal:
            self._send(error_frame(refusal.code, str(refusal), getattr(frame, "id", None)))

    def on_desk_news(self, news: DeskNews) -> None:
        """Say that lists may have changed; the page asks for what it shows."""
        prefix = self._services.config.desk.ticket_prefix
        match news:
            case QueueChanged():
                self._send(encode({"t": "queue"}))
            case TicketsChanged():
                announced: dict[str, Json] = {
                    format_number(prefix, number): reason for number, reason in news.announced
                }
                known = news.numbers if news.numbers or news.announced else self._watched_tickets()
                numbers: list[Json] = [format_number(prefix, number) for number in sorted(known)]
                self._send(encode({"t": "tickets", "numbers": numbers, "announced": announced}))

    def _watched_tickets(self) -> Set[TicketNumber]:
        """Return the tickets of the conversations that the page follows."""
        followed = filter(None, map(self._services.hub.newest, self._watched))
        return {conversation.ticket for conversation in followed if conversation.ticket is not None}

    def _act(self, frame: frames.StaffFrame) -> None:
        match frame:
            case frames.Send(files=()):
                self._submission.submit(self._message(frame, ()), frame.id)
            case frames.Ping():
                self._send(encode({"t": "pong"}))
            case frames.Watch():
                self._background.start(self._watch(ConversationId(frame.conversation), frame.after))
            case frames.Unwatch():
                self._unwatch(ConversationId(frame.conversation))
            case frames.WatchDesk():
                if not self._desk_watched:
                    self._services.hub.listen_to_desk(self.on_desk_news)
                    self._desk_watched = True
            case frames.TypingFrame():
                typing = Typing(
                    ConversationId(frame.conversation), self._agent.author, frame.on, frame.internal
                )
                self._services.hub.signal(typing)
            case frames.Send():
                self._background.start(self._send_with_files(frame))
            case _:
                self._correct(frame)

    def _correct(self, frame: frames.Edit | frames.Delete | frames.Receipt) -> None:
        author = self._agent.author
        match frame:
            case frames.Edit():
                text = clean(frame.text).strip()
                if not text:
                    raise EventRefused("Write a text, or delete the message.", code="empty", field="text")
                common = self._common(frame.conversation, frame.id)
                self._submission.submit(
                    MessageEdited(**common, by=author, seq=frame.seq, text=text), frame.id
                )
            case frames.Delete():
                common = self._common(frame.conversation, frame.id)
                self._submission.submit(MessageDeleted(**common, by=author, seq=frame.seq), frame.id)
            case frames.Receipt():
                common = self._common(frame.conversation, self._services.new_id())
                receipt = ReceiptReported(**common, by=author, delivered=frame.delivered, seen=frame.seen)
                self._submission.submit(receipt, None)

    async def _watch(self, identity: ConversationId, after: int) -> None:
        """Listen first, then read what was missed: in between nothing can slip through."""
        if identity not in self._watched:
            listener = self._on_news
            self._watched[identity] = listener
            self._services.hub.listen(identity, listener)
        feed = NewsFeed(self._services.config.desk.ticket_prefix, self._send, staff=True)
        self._feeds[identity] = feed
        conversation = await self._services.staff_reads.conversation(identity)
        if conversation is None:
            self._unwatch(identity)
            self._send(error_frame("not_found", "The conversation was not found.", conversation=identity))
            return
        self._services.hub.told(conversation)
        missed = await self._services.staff_reads.messages(identity, known_until(conversation, after))
        feed.ready(conversation, missed)
        if identity in self._watched:
            self._visitors[identity] = conversation.visitor
            self._presence.enter(conversation, self._agent, self._on_presence)

    def _unwatch(self, identity: ConversationId) -> None:
        listener = self._watched.pop(identity, None)
        if listener is not None:
            self._services.hub.unlisten(identity, listener)
        self._presence.leave(identity, self._on_presence)
        self._visitors.pop(identity, None)
        self._feeds.pop(identity, None)

    def _tell_presence(self, identity: ConversationId) -> None:
        """Say who has the conversation open, and whether its customer is connected."""
        agents: list[Json] = [
            {"id": agent.id, "name": agent.name} for agent in self._presence.agents(identity)
        ]
        online = self._presence.is_online(self._visitors.get(identity, ""))
        self._send(encode({"t": "presence", "conversation": identity, "agents": agents, "online": online}))

    def _on_news(self, news: ConversationNews) -> None:
        match news:
            case ConversationChanged():
                self._feeds[news.conversation.id].news(news)
            case Typing() if news.by.id != self._agent.id:
                frame: dict[str, Json] = {
                    "t": "typing",
                    "conversation": news.conversation,
                    "name": news.by.name,
                    "customer": news.by.kind is AuthorKind.CUSTOMER,
                    "internal": news.internal,
                    "on": news.on,
                }
                self._send(encode(frame))

    async def _send_with_files(self, frame: frames.Send) -> None:
        try:
            files = await self._services.files.attach(
                ConversationId(frame.conversation), self._agent.id, frame.files, internal=_is_internal(frame)
            )
            self._submission.submit(self._message(frame, files), frame.id)
        except Exception as error:
            self._submission.refuse(error, frame.id)

    def _message(self, frame: frames.Send, files: tuple[FileRef, ...]) -> AgentMessaged:
        internal = _is_internal(frame)
        text = without_note_mark(clean(frame.text)) if internal else clean(frame.text).strip()
        if not text and not files:
            raise EventRefused("Write a message first.", code="empty", field="text")
        return AgentMessaged(
            **self._common(frame.conversation, frame.id),
            agent=self._agent,
            text=text,
            files=files,
            visibility=Visibility.INTERNAL if internal else Visibility.PUBLIC,
        )

    def _common(self, conversation: str, client_id: str) -> Common:
        return {
            "at": self._services.clock(),
            "channel": CHANNEL,
            "external_id": f"{client_id}:{self._agent.id}",
            "conversation": ConversationId(conversation),
        }


def _is_internal(frame: frames.Send) -> bool:
    """Tell whether it is a note: written as one, or marked as in Slack and Teams, out of habit [R38]."""
    return frame.internal or is_note(frame.text)
