"""Lists of tickets and single tickets as Slack shows them: in answers to commands, and on the Home tab."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from adapters.slack.block_limits import MAX_SECTION, context, cut, marked, plain, section
from adapters.slack.card import moment
from adapters.slack.mrkdwn import literal
from adapters.slack.payload import Block, Payload
from chatdesk.config import Config
from chatdesk.plain_text import clean_line
from chatdesk.reading import TicketLine
from chatdesk.ticket import Ticket, TicketNumber, format_number
from chatdesk.wording import CLOCK_STOPPED

MAX_LINES = 20


def private(words: str, blocks: Sequence[Block] = ()) -> Payload:
    """Return an answer that only the one who asked can see; ``words`` are mrkdwn of our own."""
    answer: dict[str, object] = {"response_type": "ephemeral", "text": words}
    if blocks:
        answer["blocks"] = list(blocks)
    return answer


def ticket_line(
    config: Config, ticket: Ticket, names: Mapping[str, str], at: datetime, link: str = ""
) -> str:
    """Return the ticket in two lines of mrkdwn; its number opens ``link``, the address of its card."""
    number = format_number(config.desk.ticket_prefix, ticket.number)
    number = f"<{link}|{number}>" if link else number
    due_at = ticket.running_due_at
    late = due_at is not None and due_at < at
    due = f"due {moment(due_at)}" if due_at else CLOCK_STOPPED if ticket.is_paused else ""
    who = literal(clean_line(names.get(ticket.assignee or "", ""))) or "nobody yet"
    subject = literal(cut(clean_line(ticket.subject), 150))
    company = literal(cut(clean_line(ticket.company), 60))
    tier = literal(cut(clean_line(config.tier_name(ticket.tier)), 60))
    facts = " · ".join(filter(None, (ticket.priority.value, ticket.status.value, company, due, who, tier)))
    return f"*{number}* {subject}\n{':rotating_light: overdue · ' if late else ''}{facts}"


def ticket_list(
    config: Config,
    title: str,
    lines: Sequence[TicketLine],
    names: Mapping[str, str],
    at: datetime,
    links: Mapping[TicketNumber, str],
) -> list[Block]:
    """Return the list as blocks: a heading, the tickets, and whether there are more.

    ``links`` are the addresses of the tickets' cards, as far as they are known.
    """
    blocks = [section(marked(f"*{title}*"))]
    for line in lines[:MAX_LINES]:
        shown = ticket_line(config, line.ticket, names, at, links.get(line.ticket.number, ""))
        blocks.append(section(marked(shown, MAX_SECTION)))
    if not lines:
        blocks.append(context(plain("No tickets.")))
    if len(lines) > MAX_LINES:
        blocks.append(context(plain("There are more; the console shows them all.")))
    return blocks
