"""A visitor's session: their frames become events, the desk's news become frames; whatever carries them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial

from adapters.web import frames
from adapters.web.allowance import Allowance
from adapters.web.background import Background
from adapters.web.frames import encode, error_frame
from adapters.web.services import Services
from adapters.web.shown_chat import ShownChat
from adapters.web.submission import Submission
from adapters.web.ticket_finding import TicketFinding
from adapters.web.visitor_events import CHANNEL, Common, conversation_event, message_event, survey_event
from adapters.web.visitor_finding import VisitorFinding
from adapters.web.visitor_identity import VisitorIdentity
from chatdesk.channels import DESKTOP
from chatdesk.config import WidgetSettings
from chatdesk.conversation import Author, AuthorKind, ConversationId, Waiting
from chatdesk.errors import EventRefused
from chatdesk.events import Outcome
from chatdesk.hub import Typing

KEY_LENGTH = 24
"""Characters of a visitor's key that end the ids of their events: 96 bits, and short in the index."""


def visitor_key(secret: str) -> str:
    """Return what a browser is known by: the hash of its secret, which itself is kept nowhere."""
    return hashlib.sha256(secret.encode()).hexdigest()


class VisitorSession:
    """One open page of one visitor on one widget.

    ``send`` takes encoded frames and never waits; ``shown`` is called when the page shows a conversation,
    ``broken`` when the page has to connect again to be brought up to date; ``address`` is the network
    address that it came from, ``allowance`` what its visitor may send, ``finding`` mails codes, ``identity``
    is who the visitor is by the word of the page's own site.
    """

    __slots__ = (
        "_address",
        "_allowance",
        "_background",
        "_chat",
        "_finding",
        "_gone",
        "_held",
        "_identity",
        "_send",
        "_services",
        "_submission",
        "_visitor",
        "_widget",
    )

    def __init__(
        self,
        services: Services,
        widget: WidgetSettings,
        visitor: str,
        send: Callable[[str], None],
        shown: Callable[[], None],
        broken: Callable[[], None],
        address: str | None,
        allowance: Allowance,
        finding: TicketFinding,
        identity: VisitorIdentity,
    ) -> None:
        self._services = services
        self._widget = widget
        self._visitor = visitor
        self._send = send
        self._address = address
        self._allowance = allowance
        self._identity = identity
        self._submission = Submission(services.desk, send)
        self._finding = VisitorFinding(finding, self._submission, send, visitor, widget, address)
        self._background = Background(broken)
        self._held: list[frames.VisitorFrame] | None = None
        self._gone = False
        self._chat = ShownChat(services, widget, visitor, send, shown, identity)

    @property
    def waits(self) -> bool:
        """Whether the visitor waits in the queue."""
        shown = self._chat.conversation
        return shown is not None and isinstance(shown.state, Waiting)

    @property
    def conversation_id(self) -> ConversationId | None:
        """The conversation the page shows."""
        return self._chat.conversation.id if self._chat.conversation else None

    async def begin(self, conversation: str | None, after: int) -> None:
        """Greet the page and bring it up to date from sequence number ``after`` of its conversation."""
        await self._chat.begin(conversation, after)

    def close(self) -> None:
        """Stop listening."""
        self._gone = True
        self._chat.close()
        self._background.close()

    def handle(self, frame: frames.VisitorFrame) -> None:
        """Act on one frame; what comes of it is sent later. Floods are told to slow down."""
        if not self._allowance.take():
            client_id: str | None = getattr(frame, "id", None)
            self._send(error_frame("slow_down", "Too many messages at once. Wait a moment.", client_id))
            return
        self._take(frame)

    def tell_place(self, place: int) -> None:
        """Say which place in the queue the visitor has now [R24]."""
        self._send(encode({"t": "place", "place": place}))

    def _take(self, frame: frames.VisitorFrame) -> None:
        if self._held is not None and not isinstance(frame, frames.Ping):
            # Written for the chat that is just being opened.
            self._held.append(frame)
            return
        try:
            self._act(frame)
        except EventRefused as refusal:
            client_id: str | None = getattr(frame, "id", None)
            self._send(error_frame(refusal.code, str(refusal), client_id))

    def _act(self, frame: frames.VisitorFrame) -> None:
        named = getattr(frame, "conversation", "")
        if named and named != self._chat.current.id:
            # Written for another conversation, as in a window that had no connection for a while.
            text = "A newer chat was begun in another window. Take this back and send it there."
            raise EventRefused(text, code="moved")
        match frame:
            case frames.Send(files=()):
                event = message_event(frame, self._common(frame.id), self._visitor)
                self._submission.submit(event, frame.id)
            case frames.Ping():
                self._send(encode({"t": "pong"}))
            case frames.Start():
                self._start(frame)
            case frames.Find():
                self._may_begin()
                self._finding.count_try(self._services.clock())
                self._background.start(self._finding.mail_code(frame, self._opening(frame.id)))
            case frames.Join():
                self._may_begin()
                self._finding.count_try(self._services.clock())
                self._held = []
                self._background.start(self._join(frame))
            case frames.TypingFrame():
                conversation = self._chat.current
                author = Author(AuthorKind.CUSTOMER, self._visitor, conversation.customer_name)
                self._services.hub.signal(Typing(conversation.id, author, frame.on))
            case frames.Send():
                self._background.start(self._send_with_files(frame))
            case frames.Receipt():
                common = self._common(self._services.new_id())
                self._submission.submit(conversation_event(frame, common, self._chat.current), None)
            case _:
                common = self._common(frame.id)
                self._submission.submit(conversation_event(frame, common, self._chat.current), frame.id)

    def _may_begin(self) -> tuple[tuple[str, str], ...]:
        """Return the answers that the page's site vouches for. Raises EventRefused for who may not."""
        return self._identity.admit(self._services.clock())

    def _start(self, frame: frames.Start) -> None:
        vouched = self._may_begin()
        company = self._widget.company or frame.answers.get("company", "")
        email = dict(vouched).get("email") or frame.answers.get("email", "")
        self._services.gate.pass_survey(self._address, company, email, self._services.clock())
        common = self._opening(frame.id)
        if frame.computer is not None:
            common["channel"] = DESKTOP
        event = survey_event(frame, common, self._visitor, self._widget.key, vouched)
        self._held = []
        self._submission.submit(event, frame.id, partial(self._started, event.conversation))

    async def _join(self, frame: frames.Join) -> None:
        event = await self._finding.continued(frame, self._opening(frame.id))
        if event is None:
            self._release()
        else:
            self._submission.submit(event, frame.id, partial(self._started, event.conversation))

    def _opening(self, client_id: str) -> Common:
        """Return what the event has that opens a conversation on this page."""
        return {
            "at": self._services.clock(),
            "channel": CHANNEL,
            "external_id": self._external_id(client_id),
            "conversation": ConversationId(self._services.new_id()),
        }

    def _started(self, asked: ConversationId, outcome: Outcome | None) -> None:
        """The survey opened the conversation it asked for, or the browser has one open: show it."""
        if self._gone:
            return
        if outcome is None or outcome.conversation in (None, self.conversation_id):
            self._release()
        elif outcome.conversation == asked and not outcome.repeated:
            self._chat.show_opened(asked, self._release)
        else:
            self._background.start(self._show_started(outcome.conversation))

    async def _show_started(self, identity: ConversationId) -> None:
        try:
            await self._chat.show(identity)
        finally:
            self._release()

    def _release(self) -> None:
        """Act on what the page sent while its chat was being opened; a survey among it holds up the rest."""
        held, self._held = self._held or [], None
        for frame in held:
            self._take(frame)

    async def _send_with_files(self, frame: frames.Send) -> None:
        try:
            conversation = self._chat.current
            files = await self._services.files.attach(conversation.id, self._visitor, frame.files)
            event = message_event(frame, self._common(frame.id), self._visitor, files)
        except Exception as error:
            self._submission.refuse(error, frame.id)
            return
        self._submission.submit(event, frame.id)

    def _common(self, client_id: str) -> Common:
        return {
            "at": self._services.clock(),
            "channel": CHANNEL,
            "external_id": self._external_id(client_id),
            "conversation": self._chat.current.id,
        }

    def _external_id(self, client_id: str) -> str:
        # The visitor's own key keeps one browser's ids from ever meeting another's.
        # Clients' ids begin with the time: in this order the index of what was received grows at its end.
        return f"{client_id}:{self._visitor[:KEY_LENGTH]}"
