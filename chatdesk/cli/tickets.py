"""`chatdesk tickets`: lists of tickets, and one ticket whole."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console

from chatdesk.changes import HistoryEntry
from chatdesk.cli.ending import errors_shown
from chatdesk.cli.offline import Offline, run
from chatdesk.cli.showing import (
    Json,
    facts,
    heading,
    iso,
    output,
    plain,
    print_json,
    say_at,
    table,
)
from chatdesk.computer import COMPUTER, computer_of
from chatdesk.conversation import Message, Visibility
from chatdesk.reading import DeliveryNote, TicketFile, TicketFilter, TicketPage, TicketView
from chatdesk.site_identity import IDENTIFIED_BY, identified_by
from chatdesk.ticket import Ticket, format_number

tickets = typer.Typer(help="Tickets: lists, one in full, and a search.", no_args_is_help=True)


class View(StrEnum):
    """The lists there are."""

    QUEUE = "queue"
    ALL = "all"


@tickets.command("list")
def show_list(
    view: Annotated[
        View, typer.Option(help="What waits for work by due time, or all, newest first.")
    ] = View.QUEUE,
    company: Annotated[str, typer.Option(help="Only this company's.")] = "",
    search: Annotated[str, typer.Option(help="In numbers, names, companies and subjects.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=500, help="Lines of a page.")] = 50,
    page: Annotated[str, typer.Option(help="The page after, as the last one named it.")] = "",
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List tickets."""
    with errors_shown():
        wanted = TicketFilter(view=TicketView(view.value), company=company, text=search.strip())

        async def read(offline: Offline) -> tuple[TicketPage, Offline]:
            return await offline.reads.tickets(wanted, page, limit), offline

        found, offline = run(read)
        desk = offline.config.desk
        if json:
            lines: list[Json] = [ticket_json(line.ticket, desk.ticket_prefix) for line in found.lines]
            print_json({"tickets": lines, "next": found.next})
            return
        _print_page(found, desk.ticket_prefix, desk.timezone)


@tickets.command()
def show(
    number: Annotated[str, typer.Argument(help="The ticket's number, such as HD-1001.")],
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show one ticket: its facts, what was said, its history and what was sent."""
    with errors_shown():

        async def read(offline: Offline) -> tuple[TicketFile, Offline]:
            return await offline.ticket(number), offline

        file, offline = run(read)
        prefix, zone = offline.config.desk.ticket_prefix, offline.config.desk.timezone
        if json:
            print_json(_file_json(file, prefix))
            return
        console = output()
        _print_facts(console, file, prefix, zone)
        _print_messages(console, file, zone)
        _print_history(console, file, zone)
        _print_deliveries(console, file, zone)


def ticket_json(ticket: Ticket, prefix: str) -> dict[str, Json]:
    """Return the ticket for programs; times are ISO 8601 in UTC."""
    return {
        "number": format_number(prefix, ticket.number),
        "status": ticket.status.value,
        "type": ticket.type.value,
        "priority": ticket.priority.value,
        "subject": ticket.subject,
        "company": ticket.company,
        "requester": ticket.requester_name,
        "email": ticket.requester_email,
        "phone": ticket.requester_phone,
        "channel": ticket.channel,
        "computer": computer_of(ticket),
        "assignee": ticket.assignee,
        "tier": ticket.tier,
        "opened_at": iso(ticket.opened_at),
        "changed_at": iso(ticket.changed_at),
        "due_at": iso(ticket.due_at),
        "promised_at": iso(ticket.promised_at),
        "first_response_at": iso(ticket.first_response_at),
        "resolved_at": iso(ticket.resolved_at),
        "resolution": ticket.resolution,
    }


def _print_page(found: TicketPage, prefix: str, zone: ZoneInfo) -> None:
    shown = table("Number", "Status", "Priority", "Due", "Company", "Requester", "Subject")
    for line in found.lines:
        ticket = line.ticket
        shown.add_row(
            format_number(prefix, ticket.number),
            ticket.status.value,
            ticket.priority.value,
            say_at(ticket.due_at, zone),
            plain(ticket.company),
            plain(ticket.requester_name),
            plain(ticket.subject),
        )
    output().print(shown if found.lines else "There are no such tickets.")
    if found.next:
        typer.echo(f"More: --page '{found.next}'", err=True)


def _print_facts(console: Console, file: TicketFile, prefix: str, zone: ZoneInfo) -> None:
    ticket = file.ticket
    console.print(plain(f"{format_number(prefix, ticket.number)}: {ticket.subject}", "bold"))
    rows = [
        ("Status", ticket.status.value),
        ("Priority", ticket.priority.value + ("" if ticket.priority_confirmed else " (proposed)")),
        ("Type", ticket.type.value),
        ("Tier", ticket.tier or ""),
        ("Company", ticket.company),
        ("Requester", ticket.requester_name),
        ("E-mail", ticket.requester_email),
        ("Phone", ticket.requester_phone),
        (IDENTIFIED_BY, identified_by(ticket)),
        ("Also affected", "\n".join(person.words for person in file.affected)),
        (COMPUTER, computer_of(ticket)),
        ("Opened", f"{say_at(ticket.opened_at, zone)} ({ticket.channel})"),
        ("First response", say_at(ticket.first_response_at, zone)),
        ("Due", say_at(ticket.due_at, zone)),
        ("Promised", say_at(ticket.promised_at, zone)),
        ("Waiting until", say_at(ticket.waiting_until, zone)),
        ("Resolved", say_at(ticket.resolved_at, zone)),
        ("Resolution", ticket.resolution),
        ("Workaround", ticket.workaround),
        *(("Rating", rating.words) for rating in file.ratings),
    ]
    console.print(facts(rows))


def _print_messages(console: Console, file: TicketFile, zone: ZoneInfo) -> None:
    heading(console, "Timeline")
    shown = table("When", "Who", "What")
    for message in file.messages:
        note = " (internal note)" if message.visibility is Visibility.INTERNAL else ""
        shown.add_row(say_at(message.at, zone), plain(message.author.name + note), plain(_said(message)))
    console.print(shown)


def _said(message: Message) -> str:
    if message.deleted_at is not None:
        return "(deleted)"
    return " ".join([message.text, *(f"[file: {file.name}]" for file in message.files)])


def _print_history(console: Console, file: TicketFile, zone: ZoneInfo) -> None:
    heading(console, "History")
    shown = table("When", "Who", "What", "Why", "State")
    for entry in file.history:
        state = entry.after.value if entry.after and entry.after is not entry.before else ""
        shown.add_row(
            say_at(entry.at, zone), plain(entry.by.name), plain(entry.what), plain(entry.why), state
        )
    console.print(shown)


def _print_deliveries(console: Console, file: TicketFile, zone: ZoneInfo) -> None:
    if not file.deliveries:
        return
    heading(console, "Deliveries")
    shown = table("Queued", "To", "What", "Result", "Remark")
    for note in file.deliveries:
        delivery = note.delivery
        what = str(delivery.payload.get("mail") or delivery.kind.value)
        result = f"{note.status.value} {say_at(note.finished_at, zone)}".strip()
        queued = say_at(delivery.created_at, zone)
        shown.add_row(queued, plain(delivery.target), plain(what), result, plain(note.error))
    console.print(shown)


def _file_json(file: TicketFile, prefix: str) -> dict[str, Json]:
    return {
        **ticket_json(file.ticket, prefix),
        "affected": [{"name": person.name, "address": person.address} for person in file.affected],
        "messages": [_message_json(message) for message in file.messages],
        "history": [_entry_json(entry) for entry in file.history],
        "ratings": [
            {
                "conversation": rating.conversation,
                "score": rating.score,
                "comment": rating.comment,
                "at": iso(rating.at),
            }
            for rating in file.ratings
        ],
        "deliveries": [_delivery_json(note) for note in file.deliveries],
    }


def _message_json(message: Message) -> dict[str, Json]:
    return {
        "conversation": message.conversation,
        "seq": message.seq,
        "at": iso(message.at),
        "author": message.author.name,
        "role": message.author.kind.value,
        "visibility": message.visibility.value,
        "text": "" if message.deleted_at else message.text,
        "deleted": message.deleted_at is not None,
        "files": [file.name for file in message.files],
    }


def _entry_json(entry: HistoryEntry) -> dict[str, Json]:
    return {
        "at": iso(entry.at),
        "by": entry.by.name,
        "what": entry.what,
        "why": entry.why,
        "before": entry.before.value if entry.before else None,
        "after": entry.after.value if entry.after else None,
    }


def _delivery_json(note: DeliveryNote) -> dict[str, Json]:
    return {
        "id": note.delivery.id,
        "target": note.delivery.target,
        "kind": note.delivery.kind.value,
        "status": note.status.value,
        "queued_at": iso(note.delivery.created_at),
        "finished_at": iso(note.finished_at),
        "error": note.error,
    }
