"""What one page is told of one conversation: `ready` first, then each change, nothing twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from adapters.web.conversation_frames import message_json, state_json, visible
from adapters.web.frames import Json, encode
from chatdesk.conversation import Conversation, Message
from chatdesk.hub import ConversationChanged


class NewsFeed:
    """Writes `ready` and `news` frames for staff or for the customer; ``send`` takes encoded frames.

    Until ``ready`` was sent, changes wait: a page that remembered a number from news it got before the
    messages it had missed would never ask for those again. The state is sent when it is another one.
    """

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
        shown: list[Json] = [message_json(message, staff=self._staff) for message in missed]
        frame = self._frame("ready", conversation)
        frame["state"] = self._state(conversation)
        frame["messages"] = shown
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
        frame = self._frame("news", conversation)
        messages = news.messages if self._staff else visible(news.messages)
        if messages:
            frame["messages"] = [message_json(message, staff=self._staff) for message in messages]
        if _mark(conversation) != self._told:
            frame["state"] = self._state(conversation)
        if self._staff and news.ticket is not None:
            frame["ticket_changed"] = True
        if self._staff or len(frame) > 3:
            self._send(encode(frame))

    def _frame(self, kind: str, conversation: Conversation) -> dict[str, Json]:
        return {"t": kind, "conversation": conversation.id, "seq": conversation.last_seq}

    def _state(self, conversation: Conversation) -> dict[str, Json]:
        self._told = _mark(conversation)
        return state_json(conversation, self._prefix, customer=not self._staff)


def _mark(conversation: Conversation) -> tuple[object, ...]:
    return (conversation.state, conversation.receipts, conversation.ticket, conversation.rating)
