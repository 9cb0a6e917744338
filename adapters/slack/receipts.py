"""Live signs in threads: reactions for relayed, delivered and seen, and who is typing.

They are worth nothing later: kept in memory, sent when there is time, and dropped rather than queued up.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from msgspec.structs import replace

from adapters.slack.api import SlackApi
from adapters.slack.block_limits import cut
from adapters.slack.cards import Cards
from adapters.slack.memory import Post
from adapters.slack.mrkdwn import literal
from chatdesk.conversation import AuthorKind, Conversation, ConversationId, Live
from chatdesk.conversation import Receipts as StoredReceipts
from chatdesk.errors import DeliveryDelayed, DeliveryError, StorageError
from chatdesk.hub import ConversationChanged, ConversationListener, ConversationNews, Hub, Typing
from chatdesk.plain_text import clean_line
from chatdesk.ticket import TicketNumber

RELAYED, DELIVERED, SEEN = "outbox_tray", "inbox_tray", "eye"
MAX_WAITING = 500
MAX_WATCHED = 2_000
TYPING_EVERY = 4.0
"""Seconds between two changes of the banner for typing."""
TYPING_LASTS = 8.0
"""Seconds after which nobody types any more who has not said so again [docs/protocol.md]."""
log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Sent:
    post: Post
    delivered: bool = False
    seen: bool = False


@dataclass(slots=True)
class _Watched:
    number: TicketNumber
    sent: list[_Sent]
    listener: ConversationListener
    receipts: StoredReceipts
    typing_shown: bool = False
    changed_at: float = -TYPING_EVERY
    typing_ends: asyncio.TimerHandle | None = None


class Receipts:
    """Follows live conversations and shows in their threads what becomes of what was written.

    ``clock`` counts seconds.
    """

    def __init__(self, api: SlackApi, hub: Hub, cards: Cards, clock: Callable[[], float]) -> None:
        self._api = api
        self._hub = hub
        self._cards = cards
        self._clock = clock
        self._watched: OrderedDict[str, _Watched] = OrderedDict()
        self._reactions: deque[tuple[Post, str]] = deque(maxlen=MAX_WAITING)
        self._banners: OrderedDict[TicketNumber, str] = OrderedDict()
        self._wake = asyncio.Event()

    def watch(self, conversation: ConversationId, number: TicketNumber) -> None:
        """Follow the conversation from now on; asked again it changes nothing."""
        if conversation in self._watched:
            self._watched.move_to_end(conversation)
            return

        def listener(news: ConversationNews) -> None:
            self._on_news(conversation, news)

        self._watched[conversation] = _Watched(number, [], listener, StoredReceipts())
        self._hub.listen(conversation, listener)
        if len(self._watched) > MAX_WATCHED:
            oldest, watched = self._watched.popitem(last=False)
            self._hub.unlisten(ConversationId(oldest), watched.listener)

    def relayed(self, post: Post) -> None:
        """Show that the post went to the customer, and later what became of it there."""
        self._react(post, RELAYED)
        watched = self._watched.get(post.conversation)
        if watched is not None:
            watched.sent.append(_Sent(post))
            # The customer may have read it before its post was noted.
            self._show_receipts(watched)

    def close(self) -> None:
        """Stop following everything."""
        for conversation, watched in self._watched.items():
            if watched.typing_ends is not None:
                watched.typing_ends.cancel()
            self._hub.unlisten(ConversationId(conversation), watched.listener)
        self._watched.clear()

    async def run(self) -> None:
        """Send what is to be shown, one after the other, until cancelled."""
        while True:
            while self._reactions or self._banners:
                try:
                    await self._send_one()
                except DeliveryDelayed as delayed:
                    await asyncio.sleep(delayed.retry_after or 1.0)
                except (DeliveryError, StorageError) as error:
                    log.debug("slack_sign_not_shown", error=str(error))
                except Exception:
                    log.exception("slack_sign_failed")
            self._wake.clear()
            await self._wake.wait()

    async def _send_one(self) -> None:
        if self._reactions:
            post, name = self._reactions.popleft()
            await self._api.write("reactions.add", channel=post.channel, timestamp=post.ts, name=name)
            return
        number, typing = self._banners.popitem(last=False)
        await self._cards.show_typing(number, typing)

    def _on_news(self, conversation: ConversationId, news: ConversationNews) -> None:
        watched = self._watched.get(conversation)
        if watched is None:
            return
        match news:
            case ConversationChanged():
                self._advance(watched, news.conversation)
            case Typing() if news.by.kind is AuthorKind.CUSTOMER and not news.internal:
                self._type(watched, news)

    def _advance(self, watched: _Watched, conversation: Conversation) -> None:
        watched.receipts = conversation.receipts
        self._show_receipts(watched)
        if not isinstance(conversation.state, Live) and not watched.sent:
            self._hub.unlisten(conversation.id, watched.listener)
            self._watched.pop(conversation.id, None)

    def _show_receipts(self, watched: _Watched) -> None:
        for sent in watched.sent:
            if not sent.delivered and sent.post.seq <= watched.receipts.customer_delivered:
                sent.delivered = True
                self._react(sent.post, DELIVERED)
            if not sent.seen and sent.post.seq <= watched.receipts.customer_seen:
                sent.seen = True
                self._react(sent.post, SEEN)
        watched.sent = [sent for sent in watched.sent if not sent.seen][-100:]

    def _type(self, watched: _Watched, typing: Typing) -> None:
        if watched.typing_ends is not None:
            watched.typing_ends.cancel()
            watched.typing_ends = None
        if typing.on:
            # Whoever closes their page says nothing more.
            later = asyncio.get_running_loop().call_later
            watched.typing_ends = later(TYPING_LASTS, self._type, watched, replace(typing, on=False))
        now = self._clock()
        if typing.on == watched.typing_shown or (typing.on and now - watched.changed_at < TYPING_EVERY):
            return
        watched.typing_shown, watched.changed_at = typing.on, now
        name = literal(cut(clean_line(typing.by.name), 60)) or "The customer"
        self._banners[watched.number] = f"_{name} is typing…_" if typing.on else ""
        self._wake.set()

    def _react(self, post: Post, name: str) -> None:
        self._reactions.append((post, name))
        self._wake.set()
