"""A ticket as a card for staff: what it is about, where it stands, and what can be done [R35-R37]."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from adapters.teams.card_parts import (
    card,
    choice_input,
    execute,
    fact,
    heading,
    line,
    show,
    side_by_side,
    text_input,
)
from adapters.teams.json_value import Document
from chatdesk.config import Config
from chatdesk.conversation import Conversation, Live, Waiting
from chatdesk.plain_text import shortened
from chatdesk.ticket import Ticket, Trigger, can, format_number
from chatdesk.wording import CLOCK_STOPPED, say_date, say_time

MAX_ANSWER = 600
MAX_TEXT = 10_000
TIER = "tier:"
"""Precedes a tier's id among those to whom a ticket can be handed over; no technician's id has a colon."""
DATASET = "hand_over:"
"""Begins what is searched when somebody types to whom it is handed over; the ticket's number follows."""
MOST_CHOICES = 50
"""Technicians and tiers that a card has room for; the others are found by typing."""
LIVE_BANNER = (
    "LIVE with {customer}. {agent}'s replies in this thread go to the customer. Start a message with // for "
    "an internal note. Everyone else's messages stay internal."
)
END_CHAT = "The ticket stays open. The customer gets the transcript by mail, and can write again."
WAITING = "The customer waits in the chat. Press {take} to answer; until then this thread is internal."
INTERNAL = "This thread is internal. To answer the customer, press Reply, or mention me in the thread."
MERGED = "This is part of {into} now; go on there."
MERGED_CHAT = "A chat that is open stays in this thread until it ends."
OF_TIER = "Write in the ticket's own thread: what is written under this card is not passed on."


@dataclass(frozen=True, slots=True)
class CardFacts:
    """What a card is made from. ``assignee`` is the technician's name, "" for nobody.

    ``choices`` are to whom the ticket can be handed over, as (value, title): technicians, and tiers, whose
    values begin with ``TIER``. ``answering`` is the name of who writes to the customer in a live chat: the
    assignee, or who stays there until a tier takes the ticket [R37]. ``affected`` names whom else it affects,
    "" for nobody; ``rating`` is what the customer thought of the latest chat, "" for nothing said.
    ``escalated`` is, in the channel of a tier, what it is told, and ``thread`` leads to the ticket's own.
    """

    ticket: Ticket
    conversation: Conversation | None
    assignee: str
    link: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    answering: str = ""
    affected: str = ""
    rating: str = ""
    escalated: str = ""
    thread: str = ""


def name_of(config: Config, ticket: Ticket) -> str:
    """Return the ticket's number as people see it."""
    return format_number(config.desk.ticket_prefix, ticket.number)


def ticket_card(config: Config, facts: CardFacts) -> Document:
    """Return the ticket's card."""
    ticket = facts.ticket
    body = [
        *([line(facts.escalated)] if facts.escalated else []),
        heading(f"{name_of(config, ticket)} · {_kind(facts)}"),
        line(shortened(ticket.subject, 200)),
        *_facts(config, facts),
        *_banner(config, facts),
        *_answers(config, ticket),
    ]
    return card(body, _actions(config, facts))


def summary(config: Config, facts: CardFacts) -> str:
    """Return the card in one line."""
    ticket = facts.ticket
    who = f"{ticket.requester_name}, {ticket.company}" if ticket.company else ticket.requester_name
    kind = " · ".join(filter(None, (_kind(facts), config.tier_name(ticket.tier))))
    return shortened(f"{name_of(config, ticket)} · {kind} · {who}: {ticket.subject}", 200)


def _kind(facts: CardFacts) -> str:
    match facts.conversation:
        case Conversation(state=Waiting()):
            return "customer is waiting"
        case Conversation(state=Live()):
            return "live chat"
    return facts.ticket.status.value


def _facts(config: Config, facts: CardFacts) -> list[Document]:
    ticket = facts.ticket
    contact = ", ".join(filter(None, (ticket.requester_phone, ticket.requester_email)))
    found = [
        side_by_side(fact("State", ticket.status.value), fact("Technician", facts.assignee or "nobody yet")),
        side_by_side(fact("Priority", ticket.priority.value), *_due(config, ticket)),
        side_by_side(
            fact("Requester", shortened(ticket.requester_name, 100)),
            fact("Company", shortened(ticket.company, 100) or "not known"),
        ),
    ]
    tier = config.tier_name(ticket.tier)
    if tier:
        found.append(fact("Tier", shortened(tier, 100)))
    if facts.affected:
        found.append(fact("Also affected", shortened(facts.affected, 300)))
    if contact:
        found.append(fact("Contact", shortened(contact, 300)))
    results = (("Workaround", ticket.workaround), ("Resolution", ticket.resolution), ("Rating", facts.rating))
    found += [fact(name, shortened(words, MAX_ANSWER)) for name, words in results if words]
    return found


def _due(config: Config, ticket: Ticket) -> list[Document]:
    """When it is due, or that its clock stands still; nothing of a ticket that is over."""
    if not ticket.is_active:
        return []
    if ticket.is_paused:
        return [fact("Due", CLOCK_STOPPED)]
    due, zone = ticket.running_due_at, config.desk.timezone
    if due is None:
        return [fact("Due", "no target")]
    # A card is drawn when its ticket has changed.
    return [fact("Due", f"{say_date(due, ticket.changed_at, zone)}, {say_time(due, zone)}")]


def _banner(config: Config, facts: CardFacts) -> list[Document]:
    conversation, ticket = facts.conversation, facts.ticket
    if ticket.merged_into is not None:
        merged = MERGED.format(into=format_number(config.desk.ticket_prefix, ticket.merged_into))
        return [line(merged if facts.escalated else f"{merged} {MERGED_CHAT}")]
    if facts.escalated:
        return [line(OF_TIER, subtle=True)]
    if conversation is None or not (ticket.is_active or ticket.is_done):
        return []
    if isinstance(conversation.state, Waiting):
        return [line(WAITING.format(take=taking(ticket)[0]))]
    if not isinstance(conversation.state, Live) or not facts.answering:
        return [line(INTERNAL, subtle=True)]
    # In a merged ticket's other chat somebody else speaks [R20].
    who = conversation.customer_name or ticket.requester_name
    if ticket.company and conversation.opened_with is None:
        who = f"{who} ({ticket.company})"
    return [line(LIVE_BANNER.format(customer=shortened(who, 120), agent=facts.answering), colour="Accent")]


def _answers(config: Config, ticket: Ticket) -> list[Document]:
    """The survey's answers that the facts do not show already."""
    shown = {"name", "company", "email", "phone"}
    found: list[Document] = []
    for identity, answer in ticket.answers:
        field = config.survey.field(identity)
        if identity not in shown and answer and answer != ticket.subject:
            found.append(fact(field.ask if field else identity, shortened(answer, MAX_ANSWER)))
    return found


def _actions(config: Config, facts: CardFacts) -> Sequence[Document]:
    ticket = facts.ticket
    number = int(ticket.number)
    actions: list[Document] = []
    if ticket.is_active:
        title, verb = taking(ticket)
        actions.append(execute(title, verb, ticket=number))
        actions.append(_box("Reply", "reply", "Reply to the customer", number))
        actions.append(_box("Note", "note", "Internal note, never shown to the customer", number))
    if can(ticket.status, Trigger.ASK_CUSTOMER):
        actions.append(_wait_box(number))
    if ticket.is_active and facts.choices:
        actions.append(_hand_over_box(facts, number))
    if ticket.is_active and facts.conversation and isinstance(facts.conversation.state, Live):
        actions.append(show("End chat", [line(END_CHAT)], execute("End chat", "end", ticket=number)))
    if can(ticket.status, Trigger.RESUME):
        actions.append(execute("Go on", "resume", ticket=number))
    if can(ticket.status, Trigger.RESOLVE):
        actions.append(_box("Resolve", "resolve", "What was done; the customer reads this", number))
    if ticket.is_done:
        actions.append(_box("Reply", "reply", "Reply to the customer", number))
        actions.append(_box("Note", "note", "Internal note, never shown to the customer", number))
        actions.append(execute("Re-open", "reopen", ticket=number))
    if facts.thread:
        actions.append({"type": "Action.OpenUrl", "title": "Open its thread", "url": facts.thread})
    if facts.link:
        actions.append({"type": "Action.OpenUrl", "title": "Open in the console", "url": facts.link})
    return actions


def taking(ticket: Ticket) -> tuple[str, str]:
    """Return title and verb of the button that takes the ticket; somebody's is taken knowingly [R36]."""
    return ("Take over", "take_over") if ticket.assignee else ("Take", "take")


def kept_fresh(card: Document, number: int, person: str) -> Document:
    """Return the card so that Teams asks for the ticket anew when that person looks at it."""
    return {**card, "refresh": {"action": execute("Refresh", "show", ticket=number), "userIds": [person]}}


def _hand_over_box(facts: CardFacts, number: int) -> Document:
    """Return the choice among technicians, and where the desk has tiers among these as well [R37]."""
    title, missing, label = "Hand over", "Choose a technician.", "Why, for the history"
    if any(value.startswith(TIER) for value, _ in facts.choices):
        title, missing = "Hand over or escalate", "Choose a technician or a tier."
        label = "Why; to a tier it must be said, and the customer does not read it"
    search: Document = {"style": "filtered", "placeholder": "Type a name"}
    if len(facts.choices) > MOST_CHOICES:
        search["choices.data"] = {"type": "Data.Query", "dataset": f"{DATASET}{number}"}
    options = facts.choices[:MOST_CHOICES]
    to = choice_input("to", f"{title} to", options, isRequired=True, errorMessage=missing, **search)
    why = text_input("text_hand_over", label, isMultiline=True, maxLength=MAX_TEXT)
    return show(title, [to, why], execute(title, "hand_over", ticket=number))


def _box(title: str, verb: str, label: str, number: int) -> Document:
    field = text_input(
        f"text_{verb}",
        label,
        isMultiline=True,
        isRequired=True,
        errorMessage="Write something first.",
        maxLength=MAX_TEXT,
    )
    return show(title, [field], execute("Send" if verb == "reply" else title, verb, ticket=number))


def _wait_box(number: int) -> Document:
    options = [("customer", "The customer"), ("vendor", "A vendor"), ("date", "A date")]
    fields: list[Document] = [
        choice_input("on", "Wait for", options, value="customer"),
        text_input("text_wait", "Question to the customer, or why", isMultiline=True, maxLength=MAX_TEXT),
        {"type": "Input.Date", "id": "until", "label": "Until (for a vendor or a date)"},
    ]
    return show("Wait", fields, execute("Wait", "wait", ticket=number))
