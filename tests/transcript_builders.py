"""A small conversation for tests of transcripts and mail: Dana of Contoso and a printer."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from chatdesk.changes import HistoryEntry
from chatdesk.conversation import (
    Author,
    AuthorKind,
    Conversation,
    ConversationId,
    Ended,
    FileRef,
    Message,
    Revision,
    Visibility,
)
from chatdesk.ticket import Priority, Ticket, TicketNumber, TicketStatus, TicketType
from chatdesk.transcript import TranscriptRecord

NEW_YORK = ZoneInfo("America/New_York")
CHAT = ConversationId("chat-1")
NUMBER = TicketNumber(1024)
DANA = Author(AuthorKind.CUSTOMER, "visitor-key-hash", "Dana Reyes")
MARCUS = Author(AuthorKind.AGENT, "agent-7", "Marcus Webb")
DESK = Author(AuthorKind.DESK, "desk", "Northwind IT")


def at(clock: str, day: int = 18) -> datetime:
    """That time of day on September ``day``, 2026 in New York, in UTC."""
    hour, minute = map(int, clock.split(":"))
    return datetime(2026, 9, day, hour, minute, tzinfo=NEW_YORK).astimezone(UTC)


def said(
    seq: int, text: str, author: Author = DANA, clock: str = "14:02", day: int = 18, *, internal: bool = False
) -> Message:
    """A message of the chat."""
    visibility = Visibility.INTERNAL if internal else Visibility.PUBLIC
    return Message(CHAT, seq, author, visibility, text, at(clock, day), changed=seq)


def with_file(message: Message, name: str, size: int) -> Message:
    return replace(message, files=(*message.files, FileRef("f1", name, "image/png", size)))


def deleted(message: Message, clock: str) -> Message:
    return replace(message, text="", files=(), edited_at=at(clock), deleted_at=at(clock))


def revision(message: Message, changed: int, before: str, clock: str, *, deleted: bool = False) -> Revision:
    return Revision(CHAT, message.seq, changed, message.author, at(clock), before, deleted)


def history(what: str, clock: str, why: str = "", day: int = 18) -> HistoryEntry:
    return HistoryEntry(NUMBER, at(clock, day), MARCUS, what, why)


def a_ticket(**changes: object) -> Ticket:
    """The ticket of the chat, opened on Friday, September 18, 2026 at 2:02 PM EDT."""
    ticket = Ticket(
        number=NUMBER,
        status=TicketStatus.IN_PROGRESS,
        type=TicketType.INCIDENT,
        priority=Priority.HIGH,
        subject="Printer offline",
        channel="web",
        opened_at=at("14:02"),
        changed_at=at("14:02"),
        requester_name="Dana Reyes",
        requester_email="dana@contoso.example",
        requester_phone="555-0134",
        company="Contoso",
        version=1,
    )
    return replace(ticket, **changes)


def a_conversation(**changes: object) -> Conversation:
    conversation = Conversation(
        id=CHAT,
        channel="web",
        visitor="visitor-key-hash",
        customer_name="Dana Reyes",
        widget="contoso",
        company_id="contoso",
        ticket=NUMBER,
        flow="live_chat",
        flow_version=1,
        state=Ended(at("14:40")),
        opened_at=at("14:02"),
        changed_at=at("14:40"),
        version=1,
    )
    return replace(conversation, **changes)


def a_record(
    *messages: Message,
    revisions: tuple[Revision, ...] = (),
    entries: tuple[HistoryEntry, ...] = (),
    ticket: Ticket | None = None,
) -> TranscriptRecord:
    return TranscriptRecord(
        conversation=a_conversation(),
        ticket=ticket or a_ticket(),
        messages=messages,
        revisions=revisions,
        history=entries,
        desk="Northwind IT",
        prefix="HD",
        timezone=NEW_YORK,
        generated_at=at("15:00", 21),
    )


def the_printer_chat() -> TranscriptRecord:
    """A chat with an edit, a deletion, a file, a note, two days and a transcript that was sent."""
    first = said(1, "The printer on floor 2 is offline.\nNobody can print.")
    typo = said(4, "It shows error 49 – see photo", clock="14:06")
    slip = said(5, "my password is swordfish", clock="14:07")
    return a_record(
        first,
        said(2, "Thank you, Dana. Your ticket is HD-1024. You are number 1 in the queue.", DESK),
        said(3, "Same printer as last week, ask the vendor", MARCUS, "14:05", internal=True),
        replace(with_file(typo, "error 49.png", 120_400), edited_at=at("14:08")),
        deleted(slip, "14:09"),
        said(8, "Thanks! I have restarted the print server. https://help.example.com/print", MARCUS, "14:20"),
        said(9, "שלום, it works 🎉", clock="08:31", day=21),
        revisions=(
            revision(typo, 6, "It shows eror 94", "14:08"),
            revision(slip, 7, "my password is swordfish", "14:09", deleted=True),
        ),
        entries=(
            HistoryEntry(NUMBER, at("14:02"), DANA, "opened", after=TicketStatus.NEW),
            HistoryEntry(
                NUMBER, at("14:05"), MARCUS, "assigned", before=TicketStatus.NEW, after=TicketStatus.ASSIGNED
            ),
            history("transcript sent", "08:40", "public version as html to dana@contoso.example", 21),
        ),
    )
