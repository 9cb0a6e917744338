"""How tickets and messages look in Slack, as Block Kit. Text from outside is plain text, always."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from adapters.slack.block_limits import (
    MAX_FALLBACK,
    MAX_FIELD,
    MAX_HEADER,
    MAX_MESSAGE,
    MAX_SECTION,
    MAX_USERNAME,
    chunks,
    context,
    cut,
    marked,
    plain,
    section,
    text_sections,
)
from adapters.slack.mrkdwn import escape, literal
from adapters.slack.payload import Block
from chatdesk.affected import AffectedPerson, named
from chatdesk.config import Config
from chatdesk.conversation import (
    AuthorKind,
    Conversation,
    Ended,
    Live,
    Message,
    Ticketed,
    Visibility,
    Waiting,
)
from chatdesk.plain_text import clean_line
from chatdesk.sender import commenter
from chatdesk.ticket import Ticket, format_number
from chatdesk.tiers import tiers_open_to
from chatdesk.wording import CLOCK_STOPPED

MAX_ANSWER = 600
MAX_ANSWER_SECTIONS = 2
NOTE_MARK = "Internal note"
NONE = "-"
END_CHAT = "The ticket stays open. The customer gets the transcript by mail, and can write again."


def card(
    config: Config,
    ticket: Ticket,
    conversation: Conversation,
    names: Mapping[str, str],
    affected: Sequence[AffectedPerson] = (),
    rating: str = "",
) -> list[Block]:
    """Return the ticket's card; ``names`` are the technicians' by id, ``affected`` whom else it affects.

    ``rating`` is what the customer thought of the chat, as staff read it.
    """
    number = format_number(config.desk.ticket_prefix, ticket.number)
    heading = " · ".join(filter(None, (number, ticket.company, ticket.subject)))
    blocks: list[Block] = [
        {"type": "header", "text": plain(clean_line(heading), MAX_HEADER)},
        {"type": "section", "fields": _fields(config, ticket, affected)},
        *_answers(config, ticket),
        *_results(ticket, rating),
        context(marked(_state(config, ticket, conversation, names))),
    ]
    buttons = _buttons(config, ticket, conversation, number)
    if buttons:
        blocks.append({"type": "actions", "block_id": "ticket", "elements": buttons})
    return blocks


def card_summary(config: Config, ticket: Ticket) -> str:
    """Return the card in one line, for notifications."""
    number = format_number(config.desk.ticket_prefix, ticket.number)
    said = clean_line(f"{number} {ticket.priority.value}: {ticket.requester_name}: {ticket.subject}")
    return escape(cut(said, MAX_FALLBACK))


def is_on_card(ticket: Ticket, message: Message) -> bool:
    """Tell whether the card already shows the message whole: the words by which the ticket was opened."""
    first = message.seq == 1 and not message.files and message.edited_at is None
    return first and len(message.text) <= MAX_ANSWER and message.text in dict(ticket.answers).values()


def banner(config: Config, ticket: Ticket, conversation: Conversation, names: Mapping[str, str]) -> str:
    """Return, as mrkdwn, who hears what is written in the thread [product: how it should sound]."""
    # In a merged ticket's other chat somebody else speaks [R20].
    customer = literal(_short(conversation.customer_name or ticket.requester_name))
    if ticket.company and conversation.opened_with in (None, ticket.number):
        customer += f" ({literal(_short(ticket.company))})"
    match conversation.state:
        case Live(agents=agents):
            told = " and ".join(f"{literal(names.get(agent, 'Technician'))}'s" for agent in agents)
            return (
                f":red_circle: *LIVE with {customer}.* {told} replies in this thread go to the customer. "
                "Start a message with // for an internal note. Everyone else's messages stay internal."
            )
        case Waiting() if ticket.merged_into is None:
            return (
                f":hourglass_flowing_sand: *{customer} is waiting in the chat.* Press Take to answer. "
                "Until then this thread is internal."
            )
    if ticket.merged_into is not None:
        into = format_number(config.desk.ticket_prefix, ticket.merged_into)
        return f":lock: *This thread is internal.* This is part of {into} now; go on there."
    return f":lock: *This thread is internal.* To answer {customer} by chat or mail, press Reply on the card."


def message_parts(message: Message) -> list[list[Block]]:
    """Return the message as the blocks of one post, or of several where it is too long for one.

    What it says is shown literally.
    """
    if message.deleted_at is not None:
        return [[context(plain("This message was deleted."))]]
    pieces = chunks(message.text, MAX_MESSAGE) or [""]
    parts: list[list[Block]] = [text_sections(piece) for piece in pieces]
    if message.visibility is Visibility.INTERNAL:
        parts[0].insert(0, context(plain(NOTE_MARK)))
    if message.files:
        files = ", ".join(file.name for file in message.files)
        parts[-1].append(context(plain(f"Files: {files}", MAX_FIELD)))
    if message.edited_at is not None:
        parts[-1].append(context(plain("edited")))
    return parts


def message_summary(message: Message) -> str:
    """Return the message as escaped text, for notifications."""
    if message.deleted_at is not None:
        return "This message was deleted."
    return escape(cut(message.text, MAX_FALLBACK)) or "A file"


def username(message: Message) -> str:
    """Return the name a message is posted under; nobody outside can pass for staff."""
    name = clean_line(message.author.name) or "Customer"
    if message.author.kind is AuthorKind.CUSTOMER:
        # An answer in the thread goes to the requester, never to them.
        side = " (also affected)" if commenter(message.author.id) else " (customer)"
        return f"{cut(name, MAX_USERNAME - len(side))}{side}"
    return cut(name, MAX_USERNAME)


def moment(at: datetime) -> str:
    """Return a moment as each reader's Slack shows it, on their own clock; UTC where it cannot."""
    spoken = at.strftime("%Y-%m-%d %H:%M UTC")
    return f"<!date^{int(at.timestamp())}^{{date_short_pretty}} {{time}}|{spoken}>"


def _fields(config: Config, ticket: Ticket, affected: Sequence[AffectedPerson]) -> list[Block]:
    contact = " · ".join(filter(None, (ticket.requester_phone, ticket.requester_email)))
    due = moment(ticket.running_due_at) if ticket.running_due_at else NONE
    confirmed = "" if ticket.priority_confirmed else " (proposed)"
    tier = config.tier_name(ticket.tier)
    return [
        plain(f"Requester\n{clean_line(ticket.requester_name)}", MAX_FIELD),
        plain(f"Company\n{clean_line(ticket.company) or NONE}", MAX_FIELD),
        marked(f"*Priority*\n{ticket.priority.value}{confirmed}", MAX_FIELD),
        marked(f"*Due*\n{CLOCK_STOPPED if ticket.is_paused else due}", MAX_FIELD),
        plain(f"Contact\n{clean_line(contact) or NONE}", MAX_FIELD),
        marked(f"*State*\n{ticket.status.value}", MAX_FIELD),
        *([plain(f"Tier\n{clean_line(tier)}", MAX_FIELD)] if tier else []),
        *([plain(f"Also affected\n{clean_line(named(affected))}", MAX_FIELD)] if affected else []),
    ]


_IN_FIELDS = frozenset({"name", "company", "email", "phone"})


def _answers(config: Config, ticket: Ticket) -> list[Block]:
    lines: list[str] = []
    for field_id, answer in ticket.answers:
        if field_id in _IN_FIELDS:
            continue
        field = config.survey.field(field_id)
        lines.append(f"{clean_line(field.ask if field else field_id)}\n{cut(answer, MAX_ANSWER)}")
    pieces = chunks("\n\n".join(lines), MAX_SECTION)
    if len(pieces) > MAX_ANSWER_SECTIONS:
        pieces = [*pieces[:MAX_ANSWER_SECTIONS], "… (the rest is in the console)"]
    return [section(plain(piece)) for piece in pieces]


def _results(ticket: Ticket, rating: str) -> list[Block]:
    found = (("Workaround", ticket.workaround), ("Resolution", ticket.resolution), ("Rating", rating))
    return [section(plain(f"{name}\n{cut(words, MAX_ANSWER)}")) for name, words in found if words.strip()]


def _state(config: Config, ticket: Ticket, conversation: Conversation, names: Mapping[str, str]) -> str:
    who = literal(names.get(ticket.assignee or "", "")) or "Nobody"
    if not ticket.is_active:
        return _over(config, ticket, who)
    if ticket.is_paused and ticket.waiting_until:
        return (
            f":pause_button: {ticket.status.value.capitalize()} until {moment(ticket.waiting_until)} · {who}"
        )
    match conversation.state:
        case Live(agents=agents):
            answering = " and ".join(literal(names.get(agent, "A technician")) for agent in agents)
            verb = "are" if len(agents) > 1 else "is"
            given = f" · {who} has the ticket" if ticket.assignee not in (None, *agents) else ""
            return f":speech_balloon: {answering} {verb} answering{given}"
        case Waiting(since=since):
            given = f" · {who} has the ticket" if ticket.assignee else ""
            return f":bell: Waiting in the chat since {moment(since)}{given}"
    promised = conversation.state.promised_at if isinstance(conversation.state, Ticketed) else None
    call = f" · customer expects us by {moment(promised)}" if promised and not ticket.assignee else ""
    looks = "is looking after this" if ticket.assignee else "has taken this yet"
    left = " · the chat has ended" if isinstance(conversation.state, Ended) else ""
    return f":ticket: {who} {looks}{call}{left}"


def _over(config: Config, ticket: Ticket, who: str) -> str:
    if ticket.is_done:
        by = f" · {who}" if ticket.assignee else ""
        return f":white_check_mark: {ticket.status.value.capitalize()}{by}"
    if ticket.merged_into is None:
        return f":no_entry_sign: {ticket.status.value.capitalize()}"
    into = format_number(config.desk.ticket_prefix, ticket.merged_into)
    return f":twisted_rightwards_arrows: Merged into {into}; go on there"


_LABELS = {
    "take": "Take",
    "take_over": "Take over",
    "resume": "Resume",
    "reopen": "Reopen",
    "reply": "Reply",
    "note": "Note",
    "wait": "Wait",
    "resolve": "Resolve",
    "hand_over": "Hand over",
    "end_chat": "End chat",
    "escalate": "Escalate",
}


def _buttons(config: Config, ticket: Ticket, conversation: Conversation, number: str) -> list[Block]:
    if ticket.is_done:
        actions = ["reopen", "reply", "note"]
    elif not ticket.is_active:
        # Nothing is written on a merged ticket any more: what belongs to it is part of the other.
        actions = ["note"] if ticket.merged_into is None else []
    else:
        # Into a chat whoever presses Take is let in; a ticket without one somebody has already [R36].
        free = ticket.assignee is None or conversation.is_open
        pause = "resume" if ticket.is_paused else "wait"
        actions = ["take" if free else "take_over", "reply", "note", pause, "resolve"]
    if ticket.is_active:
        actions.append("hand_over")
    if isinstance(conversation.state, Live) and ticket.is_active:
        actions.append("end_chat")
    if tiers_open_to(config, ticket):
        actions.append("escalate")
    buttons = [_button(action, _LABELS[action], number) for action in actions]
    for button in buttons:
        if button["action_id"] == "ticket_end_chat":
            button["confirm"] = _confirm("End the chat?", END_CHAT, "End chat")
    if ticket.assignee is None and ticket.is_active:
        buttons[0]["style"] = "primary"
    return buttons


def _button(action: str, label: str, number: str) -> Block:
    return {"type": "button", "action_id": f"ticket_{action}", "text": plain(label, 75), "value": number}


def _confirm(title: str, words: str, yes: str) -> Block:
    return {"title": plain(title), "text": plain(words), "confirm": plain(yes), "deny": plain("Go on")}


def _short(name: str) -> str:
    return cut(clean_line(name), 60)
