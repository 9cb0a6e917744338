"""Tickets, lines, history, deliveries and questions as the console's JSON; times are ISO 8601 in UTC."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from adapters.web.console_words import history_words, question_words
from adapters.web.frames import Json
from chatdesk.changes import HistoryEntry, Rating
from chatdesk.config import Config
from chatdesk.conversation import Author, Conversation, Live, Revision, Waiting
from chatdesk.explanation import explain_due
from chatdesk.reading import DeliveryNote, SetAsideNote, TicketFile, TicketLine
from chatdesk.search import Found, marked
from chatdesk.survey import Survey
from chatdesk.ticket import Ticket, Trigger, can, format_number
from chatdesk.tiers import tiers_open_to

Names = Mapping[str, str]
"""Technicians' names by id."""

_STEPS = {
    "assign": Trigger.ASSIGN,
    "wait": Trigger.ASK_CUSTOMER,
    "resume": Trigger.RESUME,
    "resolve": Trigger.RESOLVE,
    "reopen": Trigger.REOPEN,
    "cancel": Trigger.CANCEL,
    "merge": Trigger.MERGE,
}


def ticket_json(file: TicketFile, config: Config, names: Names, me: str) -> dict[str, Json]:
    """Return the whole ticket, what ``me`` can do with it, and why it is due when it is."""
    ticket = file.ticket
    prefix = config.desk.ticket_prefix
    return {
        **_header(ticket, config, names),
        "version": ticket.version,
        "type": ticket.type.value,
        "channel": config.channel(ticket.channel).label,
        "email": ticket.requester_email,
        "phone": ticket.requester_phone,
        "answers": _answers(ticket, config),
        "proposed": _proposed(ticket, config),
        "confirmed": ticket.priority_confirmed,
        "opened_at": ticket.opened_at.isoformat(),
        "promised_at": _time(ticket.promised_at),
        "waiting_until": _time(ticket.waiting_until),
        "needed_by": _time(ticket.needed_by),
        "first_response_at": _time(ticket.first_response_at),
        "resolved_at": _time(ticket.resolved_at),
        "resolution": ticket.resolution,
        "workaround": ticket.workaround,
        "merged_into": format_number(prefix, ticket.merged_into) if ticket.merged_into else None,
        "linked_to": format_number(prefix, ticket.linked_to) if ticket.linked_to else None,
        "affected": [{"name": person.name, "address": person.address} for person in file.affected],
        "due_because": explain_due(config, file),
        "can": [*possible_steps(ticket, me, config)],
        "tiers": [tier.id for tier in tiers_open_to(config, ticket)],
    }


def possible_steps(ticket: Ticket, me: str, config: Config) -> list[str]:
    """Return the steps that the ticket's state allows ``me``, by the table of chatdesk.ticket."""
    steps = [name for name, trigger in _STEPS.items() if can(ticket.status, trigger)]
    if ticket.is_active and ticket.assignee is None:
        steps.insert(0, "take")
    elif ticket.is_active and ticket.assignee != me:
        steps.insert(0, "take_over")
    if tiers_open_to(config, ticket):
        steps.append("escalate")
    if ticket.is_active or ticket.is_done:
        steps += ["split", "edit"]
    return steps


def line_json(line: TicketLine, config: Config, names: Names, asked: Sequence[str] = ()) -> dict[str, Json]:
    """Return one line of a list; of a search with the words that were ``asked`` for cut out of its texts."""
    found: dict[str, Json] = {**_header(line.ticket, config, names), "chat": None, "unread": False}
    if asked:
        found["marked"] = [*marked(line.ticket.subject, asked)]
        found["found"] = _found_json(line.found) if line.found else None
    if line.conversation is not None:
        found["unread"] = is_unread(line)
        found["chat"] = _chat(line.conversation)
    return found


def _found_json(found: Found) -> dict[str, Json]:
    """Return where words were found, as pieces of text of which every second was asked for."""
    where = "ticket" if found.seq is None else "note" if found.internal else "message"
    first, *others = found.marked
    shown = "".join(found.marked)
    before = "" if found.text.startswith(shown) else "…"
    after = "" if found.text.endswith(shown) else "…"
    pieces = [f"{before}{first}", *others]
    return {"where": where, "pieces": [*pieces[:-1], f"{pieces[-1]}{after}"]}


def is_unread(line: TicketLine) -> bool:
    """Tell whether something was said that no technician has seen."""
    chats = (line.conversation, line.newest)
    return any(chat is not None and chat.last_seq > chat.receipts.staff_seen for chat in chats)


def history_json(entry: HistoryEntry) -> dict[str, Json]:
    """Return one line of the history."""
    what, why = history_words(entry)
    return {
        "at": entry.at.isoformat(),
        "by": _author(entry.by),
        "what": what,
        "why": why,
        "before": entry.before.value if entry.before else None,
        "after": entry.after.value if entry.after else None,
    }


def revision_json(revision: Revision) -> dict[str, Json]:
    """Return what a message said before."""
    return {
        "seq": revision.seq,
        "changed": revision.changed,
        "by": revision.by.name,
        "at": revision.at.isoformat(),
        "before": revision.before,
        "deleted": revision.deleted,
    }


def rating_json(rating: Rating) -> dict[str, Json]:
    """Return what the customer thought of a chat."""
    return {"score": rating.score, "comment": rating.comment, "at": rating.at.isoformat()}


def delivery_json(note: DeliveryNote) -> dict[str, Json]:
    """Return what became of a delivery, without its text: that stands in the timeline already."""
    delivery = note.delivery
    return {
        "id": delivery.id,
        "target": delivery.target,
        "kind": delivery.kind.value,
        "what": delivery.payload.get("mail"),
        "to": delivery.payload.get("to"),
        "status": note.status.value,
        "attempts": delivery.attempts,
        "at": delivery.created_at.isoformat(),
        "finished_at": _time(note.finished_at),
        "error": note.error,
    }


def problem_json(note: DeliveryNote, prefix: str) -> dict[str, Json]:
    """Return a delivery that needs a person, with the ticket it belongs to."""
    ticket = note.delivery.ticket
    number = format_number(prefix, ticket) if ticket else None
    return {**delivery_json(note), "error": note.problem, "ticket": number}


def set_aside_json(note: SetAsideNote) -> dict[str, Json]:
    """Return an event that could not be worked on."""
    return {
        "kind": note.kind,
        "key": note.key,
        "event": note.event,
        "reason": note.reason,
        "at": note.at.isoformat(),
    }


def survey_json(survey: Survey) -> list[Json]:
    """Return the questions as the form for a call asks them."""
    return [
        {
            "id": field.id,
            "ask": field.ask,
            "type": field.type.value,
            "required": field.required,
            "options": list(field.options),
            "when": {other: list(allowed) for other, allowed in field.when},
            "help": field.help,
            "max_length": field.max_length,
        }
        for field in survey.fields
    ]


def _header(ticket: Ticket, config: Config, names: Names) -> dict[str, Json]:
    assignee: Json = None
    if ticket.assignee is not None:
        assignee = {"id": ticket.assignee, "name": names.get(ticket.assignee, "a former technician")}
    return {
        "number": format_number(config.desk.ticket_prefix, ticket.number),
        "status": ticket.status.value,
        "active": ticket.is_active,
        "priority": ticket.priority.value,
        "subject": ticket.subject,
        "requester": ticket.requester_name,
        "company": ticket.company,
        "assignee": assignee,
        "tier": config.tier_name(ticket.tier),
        "due_at": _time(ticket.running_due_at),
        "changed_at": ticket.changed_at.isoformat(),
    }


def _chat(conversation: Conversation) -> dict[str, Json]:
    match conversation.state:
        case Waiting() as waiting:
            return {
                "phase": "waiting",
                "conversation": conversation.id,
                "since": waiting.since.isoformat(),
                "until": waiting.until.isoformat(),
            }
        case Live():
            return {"phase": "live"}
    return {"phase": "none"}


def _proposed(ticket: Ticket, config: Config) -> str | None:
    """Return the priority that the survey's answers propose; None for a ticket that came without them."""
    answers = dict(ticket.answers)
    return config.priority.propose(answers).value if config.priority.is_answered(answers) else None


def _answers(ticket: Ticket, config: Config) -> list[Json]:
    """Return the survey's answers with their questions; what the header says already is left out."""
    return [
        {"ask": question_words(config, identity), "answer": answer}
        for identity, answer in ticket.answers
        if identity not in ("name", "company", "email", "phone")
    ]


def _author(author: Author) -> dict[str, Json]:
    return {
        "kind": author.kind.value,
        "id": author.id if author.kind.value == "agent" else "",
        "name": author.name,
    }


def _time(at: datetime | None) -> str | None:
    return at.isoformat() if at is not None else None
