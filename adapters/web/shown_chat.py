"""The chat that a visitor's page shows: brought up to date, followed, and left for another."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from adapters.web.conversation_frames import visible
from adapters.web.frames import Json, encode
from adapters.web.news_feed import NewsFeed, known_until
from adapters.web.services import Services
from adapters.web.visitor_identity import VisitorIdentity
from adapters.web.widget_config import known_fields
from chatdesk.config import WidgetSettings
from chatdesk.conversation import AuthorKind, Conversation, ConversationId
from chatdesk.errors import EventRefused
from chatdesk.hub import ConversationChanged, ConversationNews, Typing


class ShownChat:
    """What one page of ``visitor`` on ``widget`` shows.

    ``send`` takes encoded frames and never waits; ``shown`` is called when the page shows a conversation;
    ``identity`` is who the visitor is by the word of the page's own site.
    """

    __slots__ = (
        "_feed",
        "_identity",
        "_on_opened",
        "_on_shown",
        "_opened",
        "_send",
        "_services",
        "_visitor",
        "_widget",
        "conversation",
    )

    def __init__(
        self,
        services: Services,
        widget: WidgetSettings,
        visitor: str,
        send: Callable[[str], None],
        shown: Callable[[], None],
        identity: VisitorIdentity,
    ) -> None:
        self._services = services
        self._widget = widget
        self._visitor = visitor
        self._send = send
        self._on_shown = shown
        self._identity = identity
        self._opened: ConversationId | None = None
        self._on_opened: Callable[[], None] | None = None
        self._feed = self._new_feed()
        self.conversation: Conversation | None = None

    @property
    def current(self) -> Conversation:
        """The conversation that is shown. Raises EventRefused (``no_chat``) where there is none."""
        if self.conversation is None:
            raise EventRefused("Start the chat first.", code="no_chat")
        return self.conversation

    async def begin(self, conversation: str | None, after: int) -> None:
        """Greet the page and bring it up to date from sequence number ``after`` of its conversation."""
        found = await self._services.visitor_reads.current(self._visitor, self._widget.key)
        if found is None:
            self._show_none()
            return
        await self._show(found, known_until(found, after) if found.id == conversation else 0)

    async def show(self, identity: ConversationId) -> None:
        """Show another conversation of the visitor's, from its beginning."""
        found = await self._services.visitor_reads.own(self._visitor, identity)
        if found is not None:
            await self._show(found, 0)

    def show_opened(self, identity: ConversationId, then: Callable[[], None]) -> None:
        """Show a conversation that was just committed: its first news, which follow, are all of it.

        ``then`` is called when the page has it.
        """
        self._leave()
        self._opened, self._feed, self._on_opened = identity, self._new_feed(), then
        self._services.hub.listen(identity, self.on_news)

    def on_news(self, news: ConversationNews) -> None:
        """Pass on what happened in the conversation, as far as a customer may see it [R38]."""
        match news:
            case ConversationChanged():
                self.conversation = news.conversation
                if news.conversation.id == self._opened:
                    self._take_opened(news)
                else:
                    self._feed.news(news)
            case Typing() if news.by.kind is AuthorKind.AGENT and not news.internal:
                self._send(encode({"t": "typing", "name": news.by.name, "on": news.on}))

    def close(self) -> None:
        """Stop listening."""
        self._leave()
        if self._opened is not None:
            self._services.hub.unlisten(self._opened, self.on_news)
        self._on_opened = None

    def _take_opened(self, news: ConversationChanged) -> None:
        self._opened = None
        known = self._known(news.ticket.answers if news.ticket else ())
        self._feed.ready(news.conversation, visible(news.messages), known=known, **self._identity.told)
        self._on_shown()
        then, self._on_opened = self._on_opened, None
        if then is not None:
            then()

    async def _show(self, conversation: Conversation, after: int) -> None:
        """Listen first, then read what was missed: in between nothing can slip through."""
        self._leave()
        self.conversation = conversation
        feed = self._feed = self._new_feed()
        self._services.hub.listen(conversation.id, self.on_news)
        chat = await self._services.visitor_reads.chat(self._visitor, conversation.id, after)
        if chat is None or self._feed is not feed:
            return  # Another conversation took its place meanwhile.
        if self._identity.is_anothers(chat.answers):
            self._leave()
            self._show_none(another=True)
            return
        self._services.hub.told(chat.conversation)
        if chat.conversation.version >= self.conversation.version:
            self.conversation = chat.conversation
        more: dict[str, Json] = {"omitted": True} if chat.omitted else {}
        more |= self._identity.told
        feed.ready(chat.conversation, chat.messages, known=self._known(chat.answers), **more)
        self._on_shown()

    def _show_none(self, **more: Json) -> None:
        fresh: dict[str, Json] = {"t": "ready", "conversation": None, "known": self._known(())}
        self._send(encode(fresh | self._identity.told | more))

    def _leave(self) -> None:
        """Stop listening to the conversation that was shown."""
        if self.conversation is not None:
            self._services.hub.unlisten(self.conversation.id, self.on_news)
            self.conversation = None

    def _known(self, given: Iterable[tuple[str, str]]) -> dict[str, Json]:
        """Return what the visitor told of themselves last time, so that it is not asked again."""
        answers = dict(given)
        asked = known_fields(self._services.config.survey)
        return self._identity.known({field.id: answers[field.id] for field in asked if field.id in answers})

    def _new_feed(self) -> NewsFeed:
        return NewsFeed(self._services.config.desk.ticket_prefix, self._send, staff=False)
