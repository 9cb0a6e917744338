"""Where a change goes besides the web pages: mail to the requester, cards and messages elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from msgspec.structs import replace

from chatdesk.config import Config
from chatdesk.conversation import AuthorKind, Conversation, Message, Visibility
from chatdesk.effects import MailCode, MailKind, MailRequester, StartTimer
from chatdesk.mail_address import compared
from chatdesk.mail_updates import UPDATES
from chatdesk.outbox import MAIL_TARGET, TIMER_TARGET, Delivery, DeliveryKind, Payload
from chatdesk.ports import NewId
from chatdesk.sender import correspondent
from chatdesk.ticket import Ticket, TicketNumber

TO_STAFF, TO_CUSTOMER = "staff", "customer"
"""To which side a message's delivery goes: customers and staff may use the same service."""

WEB = "web"
"""The web pages need no deliveries: they ask for what they have not seen [docs/protocol.md]."""


class Router:
    """Turns effects into deliveries. ``new_id`` gives each its unguessable id."""

    def __init__(self, config: Config, new_id: NewId) -> None:
        self._new_id = new_id
        self._gather = config.mail.gather
        staff = (("slack", config.staff.slack), ("teams", config.staff.teams))
        self._staff = tuple(name for name, settings in staff if settings is not None)

    def mails(
        self,
        effect: MailRequester,
        ticket: Ticket,
        conversation: Conversation,
        at: datetime,
        quoted: int | None = None,
    ) -> Iterator[Delivery]:
        """Yield the mail to the ticket's requester, and an answer to whoever else wrote by mail [R14, R15].

        ``ticket`` is as the conversation's customer sees it, who is its requester for them. An answer is the
        conversation's last message, and is sent as that reads then; so is what other news quote of the
        message ``quoted``.
        Updates wait a while for one another: what is told within it becomes one mail.
        """
        is_answer = effect.kind is MailKind.COMMENT
        seq = conversation.last_seq if is_answer else quoted
        writer = correspondent(conversation.visitor) if is_answer else ""
        addresses = (ticket.requester_email, writer)
        due = at + self._gather if effect.kind.value in UPDATES else at
        for to in {compared(address): address for address in addresses if address}.values():
            payload: Payload = {"mail": effect.kind.value, "to": to, "text": effect.text}
            if quoted is not None:
                payload = {**payload, "quotes": effect.quotes}
            mail = self._delivery(
                MAIL_TARGET, DeliveryKind.MAIL, at, ticket.number, conversation, seq, payload
            )
            yield replace(mail, due_at=due)

    def code(self, effect: MailCode, conversation: Conversation, at: datetime) -> Delivery:
        """Return the mail with a code; in a lane of its own it waits for no other: somebody waits for it."""
        payload: Payload = {
            "mail": MailKind.CODE.value,
            "to": effect.address,
            "code": effect.code,
            "number": effect.number,
        }
        mail = self._delivery(
            MAIL_TARGET, DeliveryKind.MAIL, at, conversation.ticket, conversation, None, payload
        )
        return replace(mail, lane=mail.id)

    def timer(self, effect: StartTimer, number: TicketNumber | None, conversation: Conversation) -> Delivery:
        """Return the timer as a delivery due when it is; in a lane of its own it waits for no other."""
        due = effect.due.isoformat()
        payload: Payload = {"name": effect.name, "due": due, "of_ticket": effect.of_ticket}
        identity = self._new_id()
        return Delivery(
            id=identity,
            target=TIMER_TARGET,
            kind=DeliveryKind.TIMER,
            lane=identity,
            due_at=effect.due,
            created_at=conversation.changed_at,
            conversation=conversation.id,
            ticket=number,
            payload=payload,
        )

    def message(
        self, message: Message, conversation: Conversation, origin: str, at: datetime, *, revised: bool
    ) -> Iterator[Delivery]:
        """Yield a delivery, due ``at``, for each channel that shows this message; ``to`` says to which side.

        Staff channels get every message, except one of staff that they brought themselves (``origin``): it
        stands there already. The customer's own channel gets only public ones from the desk's side [R38].
        ``revised`` says that an earlier message was edited or deleted.
        """
        if not self._staff and conversation.channel == WEB:
            return
        kind = DeliveryKind.REVISION if revised else DeliveryKind.MESSAGE
        by_staff = message.author.kind is AuthorKind.AGENT
        staff = ((target, TO_STAFF) for target in self._staff if not by_staff or target != origin)
        customer = ((target, TO_CUSTOMER) for target in self._customer_target(message, conversation))
        for target, side in (*staff, *customer):
            to: Payload = {"to": side}
            yield self._delivery(target, kind, at, conversation.ticket, conversation, message.seq, to)

    def ticket(
        self, ticket: Ticket, conversation: Conversation, at: datetime, reason: str
    ) -> Iterator[Delivery]:
        """Yield a delivery for each staff channel that shows the ticket's card [R35]."""
        for target in self._staff:
            payload: Payload = {"reason": reason}
            yield self._delivery(target, DeliveryKind.TICKET, at, ticket.number, conversation, None, payload)

    def _customer_target(self, message: Message, conversation: Conversation) -> tuple[str, ...]:
        ours = message.author.kind is not AuthorKind.CUSTOMER and message.visibility is Visibility.PUBLIC
        # Mail to the customer is decided by the flows, which know what is worth a mail.
        return (conversation.channel,) if ours and conversation.channel in ("slack", "teams") else ()

    def _delivery(
        self,
        target: str,
        kind: DeliveryKind,
        at: datetime,
        ticket: TicketNumber | None,
        conversation: Conversation,
        seq: int | None,
        payload: Payload,
    ) -> Delivery:
        return Delivery(
            id=self._new_id(),
            target=target,
            kind=kind,
            lane=str(ticket) if ticket else conversation.id,
            due_at=at,
            created_at=at,
            conversation=conversation.id,
            seq=seq,
            ticket=ticket,
            payload=payload,
        )
