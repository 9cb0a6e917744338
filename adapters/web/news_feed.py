"""What one page is told of one conversation: `ready` first, then each change, nothing twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from adapters.web.conversation_frames import MessageFrame, message_frame, state_json, visible
from adapters.web.frames import Json, encode
from chatdesk.conversation import Conversation, ConversationId, Message
from chatdesk.hub import ConversationChanged


class News(Struct, frozen=True, omit_defaults=True, tag_field="t", tag="news"):
    """What is new in a conversation; what did not change is left out."""

    conversation: ConversationId
    seq: int
    messages: list[MessageFrame] = []
    state: dict[str, Json] | None = None
    ticket_changed: bool = False


def known_until(conversation: Conversation, after: int) -> int:
    """Return up to where a page needs no messages, when it says that it has those up to ``after``.

    A desk that was restored from a backup may be behind its pages: they are shown all there is.
    """
    return after if after <= conversation.last_seq else 0


class NewsFeed:
    """Writes `ready` and `news` frames for staff or for the customer; ``send`` takes encoded frames.

    Until ``ready`` was sent, changes wait: a page that remembered a number from news it got before the
    messages it had missed would never ask for those again. The state is sent when it is another one.
    """

    __slots__ = (
        "_held",
        "_prefix",
        "_send",
        "_staff",
        "_told",
    )

    def __init__(self, prefix: str, send: Callable[[str], None], *, staff: bool) -> None:
        self._prefix = prefix
        self._send = send
        self._staff = staff
        self._held: list[ConversationChanged] | None = []
        self._told: tuple[object, ...] = ()

    def ready(self, conversation: Conversation, missed: Sequence[Message], **more: Json) -> None:
        """Bring the page up to date, then tell what has happened while that was read.

        ``missed`` has to be read after ``conversation``, so that it lacks nothing that happened by then.
        """
        frame: dict[str, Json] = {
            "t": "ready",
            "conversation": conversation.id,
            "seq": conversation.last_seq,
            "state": self._state(conversation),
            "messages": [message_frame(message, staff=self._staff) for message in missed],
        }
        self._send(encode(frame | more))
        held, self._held = self._held or [], None
        for news in held:
            if news.conversation.version > conversation.version:
                self.news(news)

    def news(self, news: ConversationChanged) -> None:
        """Tell of a change; a customer hears nothing of what only staff may know [R38]."""
        if self._held is not None:
            self._held.append(news)
            return
        conversation = news.conversation
        staff = self._staff
        messages = news.messages if staff else visible(news.messages)
        state = self._state(conversation) if _mark(conversation) != self._told else None
        if staff or messages or state:
            shown = [message_frame(message, staff=staff) for message in messages]
            ticket_changed = staff and news.ticket is not None
            self._send(encode(News(conversation.id, conversation.last_seq, shown, state, ticket_changed)))

    def _state(self, conversation: Conversation) -> dict[str, Json]:
        self._told = _mark(conversation)
        return state_json(conversation, self._prefix, customer=not self._staff)


def _mark(conversation: Conversation) -> tuple[object, ...]:
    return (conversation.state, conversation.receipts, conversation.ticket, conversation.rating)
