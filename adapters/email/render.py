"""What a mail to the requester says: its subject, its text and its HTML [R14, R15].

Mail to an address that was only typed into an open form holds nothing that was typed there, neither name
nor subject nor words: see MailFacts.may_quote.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from adapters.email.source import MailFacts
from chatdesk.config import Config
from chatdesk.effects import MailKind
from chatdesk.next_step import next_step
from chatdesk.plain_text import clean_line, clean_text, shortened, wrap
from chatdesk.ticket import Ticket, TicketStatus, format_number
from chatdesk.transcript import TranscriptRecord, render_text
from chatdesk.transcript_html import link
from chatdesk.transcript_text import DELETED, label, say_full, say_size
from chatdesk.transcript_view import Entry, entries_of, view_transcript
from chatdesk.wording import say_date, say_time

if TYPE_CHECKING:
    from jinja2 import Template

COLUMNS = 78
"""Of the text part (RFC 5322, 2.1.1); a transcript keeps its own width."""
MAX_ENTRIES = 20
MAX_ENTRY = 2_000
MAX_NEWS = 20_000
MAX_SUBJECT = 150
SHORTEST_TOLD = 15
"""Characters of a message that cannot be part of the news by mere chance."""
ANSWER = "Reply to this message"
REPLY = "Please reply to this message to add to your request."
PORTAL = "See the ticket in the customer portal"
UNNAMED_SUBJECT = "Your request"


class RenderedMail(Struct, frozen=True):
    """A mail's subject, which is one line, and its two equal parts."""

    subject: str
    text: str
    html: str


class _Content(Struct, frozen=True):
    number: str
    title: str
    greeting: str
    news: str
    next: str
    entries: tuple[Entry, ...]
    earlier: bool
    transcript: str
    facts: tuple[tuple[str, str], ...]
    stop: str = ""
    portal: str = ""


def render_mail(
    kind: MailKind,
    news: str,
    facts: MailFacts,
    config: Config,
    at: datetime,
    stop: str = "",
    portal: str = "",
) -> RenderedMail:
    """Return the mail that tells ``news``, in the desk's words, as things stand at ``at`` (aware).

    It holds public messages only [R38]. A transcript comes in full, everything else with the newest
    messages before it. ``stop`` is the address of the page that ends such mail, ``portal`` that of the
    ticket in the portal; "" for none.
    """
    content = replace(_content(kind, news, facts, config, at), stop=stop, portal=portal)
    subject = f"[{content.number}] {content.title}"
    return RenderedMail(subject, _text(content, config), _html(content, config))


def _content(kind: MailKind, news: str, facts: MailFacts, config: Config, at: datetime) -> _Content:
    number = format_number(config.desk.ticket_prefix, facts.ticket.number)
    quotes = facts.may_quote(kind)
    news = shortened(clean_text(news), MAX_NEWS)
    full = kind is MailKind.TRANSCRIPT and quotes
    if kind is MailKind.TRANSCRIPT and not quotes:
        # The flow's words name the customer, and that name was typed.
        news = f"Your chat has ended. Its ticket is {number}."
    record = _record(facts, config, at) if quotes else None
    entries = tuple(entries_of(record, internal=False)) if record else ()
    if not full:
        entries = tuple(entry for entry in entries if entry.role == "customer" or not _told(entry.text, news))
    name = clean_line(facts.ticket.requester_name)
    subject = shortened(clean_line(facts.ticket.subject), MAX_SUBJECT)
    return _Content(
        number=number,
        title=(quotes and subject) or UNNAMED_SUBJECT,
        greeting=f"Hello {name}," if quotes and name else "Hello,",
        news=news,
        next=""
        if _said_already(news, facts.ticket, at, config)
        else next_step(config, facts.ticket, at, ANSWER),
        entries=entries if full else entries[-MAX_ENTRIES:],
        earlier=not full and len(entries) > MAX_ENTRIES,
        transcript=render_text(record, internal=False) if full and record else "",
        facts=_transcript_facts(record) if full and record else (),
    )


def _transcript_facts(record: TranscriptRecord) -> tuple[tuple[str, str], ...]:
    view = view_transcript(record, internal=False)
    return (("Opened", say_full(view.opened_at, view.timezone)), *view.facts)


def _record(facts: MailFacts, config: Config, at: datetime) -> TranscriptRecord:
    return TranscriptRecord(
        conversation=facts.conversation,
        ticket=facts.ticket,
        messages=facts.messages,
        revisions=facts.revisions,
        history=facts.history,
        desk=config.desk.name,
        prefix=config.desk.ticket_prefix,
        timezone=config.desk.timezone,
        generated_at=at,
    )


def _said_already(news: str, ticket: Ticket, at: datetime, config: Config) -> bool:
    """Whether the news itself names the date or the way back: a promise is made once [R28]."""
    zone = config.desk.timezone
    match ticket.status:
        case TicketStatus.NEW | TicketStatus.ASSIGNED:
            promised = ticket.promised_at or ticket.due_at
            return promised is not None and say_time(promised, zone) in news
        case TicketStatus.WAITING_ON_VENDOR | TicketStatus.SCHEDULED:
            return ticket.waiting_until is not None and say_date(ticket.waiting_until, at, zone) in news
        case TicketStatus.RESOLVED | TicketStatus.CLOSED:
            return "re-opens" in news
    return False


def _told(text: str, news: str) -> bool:
    """Whether the news says it already, alone or among what was gathered with it."""
    return text == news or (len(text) >= SHORTEST_TOLD and text in news)


def _text(content: _Content, config: Config) -> str:
    desk = config.desk
    parts = [content.greeting, content.news]
    if content.next:
        parts.append(f"What happens next: {content.next}")
    parts.append(REPLY)
    if desk.phone:
        parts.append(f"If work has stopped completely, call {desk.phone}.")
    parts.append(f"{clean_line(desk.name)}\nTicket {content.number}")
    lines = paragraphs(parts)
    # An address broken over two lines could not be followed.
    if content.portal:
        lines += [f"{PORTAL}:", content.portal, ""]
    if content.stop:
        lines += ["No more updates on this ticket by mail:", content.stop, ""]
    if content.transcript:
        lines += ["-" * COLUMNS, "", content.transcript]
    elif content.entries:
        lines += ["-" * COLUMNS, "", "So far:" if not content.earlier else "So far, the newest messages:", ""]
        lines += [line for entry in content.entries for line in _entry_lines(entry, config)]
    return "\n".join(lines).rstrip() + "\n"


def paragraphs(parts: Iterable[str]) -> list[str]:
    """Return the lines of paragraphs as the text part has them, an empty line after each."""
    return [line for part in parts for line in (*wrap(part, COLUMNS), "")]


def _entry_lines(entry: Entry, config: Config) -> list[str]:
    words = DELETED if entry.deletion else shortened(entry.text, MAX_ENTRY)
    words = "\n".join([words, *(f"File: {file.name} ({say_size(file.size)})" for file in entry.files)])
    heading = f"{say_full(entry.at, config.desk.timezone)}, {label(entry)}:"
    return [*wrap(heading, COLUMNS), *(f"    {line}".rstrip() for line in wrap(words, COLUMNS - 4)), ""]


def _html(content: _Content, config: Config) -> str:
    return _template().render(
        content=content,
        desk=config.desk,
        desk_name=clean_line(config.desk.name),
        on_colour=readable_on(config.desk.colour),
        logo=config.desk.logo if config.desk.logo.startswith("https://") else "",
        reply=REPLY,
        portal=PORTAL,
        max_entry=MAX_ENTRY,
        deleted=DELETED,
    )


@lru_cache(maxsize=16)
def readable_on(colour: str) -> str:
    """Return black or white, whichever is easier to read on ``colour`` (#rrggbb; WCAG 2, 1.4.3)."""
    channels = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return "#000000" if (luminance + 0.05) / 0.05 > 1.05 / (luminance + 0.05) else "#ffffff"


def load() -> None:
    """Load what a mail's page is made with: a twentieth of a second at the first time, in any thread."""
    _ = _template()


@cache
def _template() -> Template:
    # Its library is not needed before there is something to write with it.
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("adapters.email"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(link=link, size=say_size, label=label, full=say_full, shortened=shortened)
    return environment.get_template("mail.html")
