"""What the portal's pages say of a ticket, in the customer's words [R33]."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from markupsafe import Markup
from msgspec import Struct
from msgspec.structs import replace

from adapters.web.phone_links import dialled, pieces
from chatdesk.config import Config
from chatdesk.conversation import AuthorKind, Message
from chatdesk.mail_address import compared
from chatdesk.next_step import next_step, next_step_beside, takes_more
from chatdesk.portal import PortalCustomer, may_set_priority, path_of
from chatdesk.portal_reading import PortalFound, PortalLine, PortalTicket
from chatdesk.search import marked
from chatdesk.ticket import Priority, Ticket, TicketStatus, format_number
from chatdesk.transcript_html import link
from chatdesk.transcript_text import say_size
from chatdesk.wording import say_date, say_time, say_zone

STATUSES = {
    TicketStatus.NEW: "Received",
    TicketStatus.ASSIGNED: "Assigned to a technician",
    TicketStatus.IN_PROGRESS: "In progress",
    TicketStatus.WAITING_ON_CUSTOMER: "Waiting for your answer",
    TicketStatus.WAITING_ON_VENDOR: "Waiting for a supplier",
    TicketStatus.SCHEDULED: "Scheduled",
    TicketStatus.RESOLVED: "Resolved",
    TicketStatus.CLOSED: "Closed",
    TicketStatus.MERGED: "Merged",
    TicketStatus.CANCELLED: "Cancelled",
}
"""Where a ticket stands, as customers read it."""
ASKED = "Waiting for an answer"
"""Of a ticket that waits for its requester, as others whom it affects read it."""
DELETED = "This message was deleted."


class ShownLine(Struct, frozen=True):
    """A line of the list. ``path`` is the ticket's page; ``affected`` is as PortalLine has it.

    Of ``subject`` and ``excerpt``, what a search found in its messages, every second piece is a word found.
    """

    number: str
    path: str
    subject: tuple[str, ...]
    status: str
    is_open: bool
    waits: bool
    requester: str
    changed: str
    affected: bool
    excerpt: tuple[str, ...] = ()


class ShownFile(Struct, frozen=True):
    """A file of a message, and where it is downloaded."""

    name: str
    size: str
    path: str


class ShownMessage(Struct, frozen=True):
    """A message. ``kind`` is the side that wrote it; ``at`` is for people, ``stamp`` for programs."""

    kind: str
    author: str
    at: str
    stamp: str
    text: Markup
    edited: bool
    files: tuple[ShownFile, ...]


class ShownTicket(Struct, frozen=True):
    """A ticket's page. ``facts`` are label and value; what may be done is offered, and nothing else.

    ``next`` says what happens next and by when. ``merged`` is the number by which the customer knows it, ""
    when it is its own. ``affected`` is as PortalTicket has it.
    """

    number: str
    merged: str
    path: str
    subject: str
    facts: tuple[tuple[str, str], ...]
    next: str
    messages: tuple[ShownMessage, ...]
    affected: bool
    workaround: Markup
    resolution: Markup
    omitted: bool
    can_comment: bool
    reopens: bool
    can_solve: bool
    priorities: tuple[str, ...]
    priority: str


def show_line(config: Config, customer: PortalCustomer, line: PortalLine, at: datetime) -> ShownLine:
    """Return a line of the list as it is read at ``at`` (aware)."""
    ticket, prefix = line.ticket, config.desk.ticket_prefix
    mine = compared(ticket.requester_email) == customer.mailbox
    return ShownLine(
        number=format_number(prefix, ticket.number),
        path=path_of(config, line.opened),
        subject=(ticket.subject,),
        status=_state(ticket, affected=line.affected),
        is_open=ticket.is_active,
        waits=ticket.status is TicketStatus.WAITING_ON_CUSTOMER and not line.affected,
        requester="" if mine or not customer.manages else ticket.requester_name,
        changed=say_date(ticket.changed_at, at, config.desk.timezone),
        affected=line.affected,
    )


def show_found(
    config: Config, customer: PortalCustomer, found: PortalFound, asked: Sequence[str], at: datetime
) -> ShownLine:
    """Return a line of what a search for these words found, as it is read at ``at`` (aware)."""
    line = show_line(config, customer, found.line, at)
    return replace(line, subject=marked(found.line.ticket.subject, asked), excerpt=found.excerpt)


def show_ticket(config: Config, customer: PortalCustomer, found: PortalTicket, at: datetime) -> ShownTicket:
    """Return a ticket's page as it is read at ``at`` (aware)."""
    ticket, prefix = found.ticket, config.desk.ticket_prefix
    path, number = path_of(config, found.opened), format_number(prefix, ticket.number)
    said = {message.text.strip() for message in found.messages}
    resolution = _resolution(found) if (found.whole or found.affected) and ticket.is_done else ""
    sets_priority = found.whole and ticket.is_active and may_set_priority(config, customer)
    return ShownTicket(
        number=number,
        merged=format_number(prefix, found.merged) if found.merged else "",
        path=path,
        subject=ticket.subject,
        facts=tuple(_facts(config, found, at)),
        next=_next(config, found, at),
        messages=tuple(_message(config, path, number, message, at) for message in found.messages),
        affected=found.affected,
        workaround=_text(config, number, ticket.workaround if found.affected and ticket.is_active else ""),
        resolution=_text(config, number, "" if resolution.strip() in said else resolution),
        omitted=found.omitted,
        can_comment=ticket.is_active if found.affected else takes_more(config, ticket, at),
        reopens=ticket.is_done and not found.affected,
        can_solve=found.whole and ticket.is_active,
        priorities=tuple(Priority) if sets_priority else (),
        priority=ticket.priority,
    )


def _resolution(found: PortalTicket) -> str:
    """Return how it was resolved; of what a customer said who it was, if the reader may know them."""
    by = found.solved_by
    if by is None or not found.ticket.resolution:
        return found.ticket.resolution
    if by.you:
        return "You said this is solved."
    return f"{by.name} said this is solved." if by.name else "We were told that this is solved."


def _facts(config: Config, found: PortalTicket, at: datetime) -> Iterator[tuple[str, str]]:
    ticket, zone = found.ticket, config.desk.timezone
    yield "Status", _state(ticket, affected=found.affected)
    if found.whole or found.affected:
        yield "Priority", ticket.priority.capitalize()
    if not found.whole:
        return
    yield "Requester", ticket.requester_name
    yield "Opened", f"{say_date(ticket.opened_at, at, zone)} ({config.channel(ticket.channel).label})"
    if ticket.needed_by:
        yield "Needed by", say_date(ticket.needed_by, at, zone)


def _next(config: Config, found: PortalTicket, at: datetime) -> str:
    """Say what happens next, in the words of mail and chat; the form below says how to open it again."""
    if found.whole:
        return next_step(config, found.ticket, at, "")
    return next_step_beside(config, found.ticket, at) if found.affected else ""


def _state(ticket: Ticket, *, affected: bool) -> str:
    if affected and ticket.status is TicketStatus.WAITING_ON_CUSTOMER:
        return ASKED
    return STATUSES[ticket.status]


def _message(config: Config, path: str, number: str, message: Message, at: datetime) -> ShownMessage:
    zone = config.desk.timezone
    kind, deleted = message.author.kind, message.deleted_at is not None
    return ShownMessage(
        kind=kind.value,
        author=config.desk.name if kind is AuthorKind.DESK else message.author.name,
        at=_moment(message.at, at, zone),
        stamp=message.at.isoformat(),
        text=_text(config, number, DELETED if deleted else message.text),
        edited=message.edited_at is not None and not deleted,
        files=tuple(
            ShownFile(file.name, say_size(file.size), f"{path}/files/{file.id}") for file in message.files
        ),
    )


def _moment(moment: datetime, at: datetime, zone: ZoneInfo) -> str:
    return f"{say_date(moment, at, zone)}, {say_time(moment, zone)} {say_zone(moment, zone)}"


def _text(config: Config, number: str, text: str) -> Markup:
    """Return the text escaped, its addresses and the desk's phone as links, the number in one piece."""
    made = Markup()
    for piece in pieces(text, config.desk.phone, number):
        if piece == config.desk.phone:
            made += Markup('<a href="{}">{}</a>').format(dialled(piece), piece)
        elif piece == number:
            made += Markup('<span class="whole">{}</span>').format(piece)
        else:
            made += link(piece)
    return made
