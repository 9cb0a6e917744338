"""Mail in: a mail opens a ticket, or a reply is added to one and opens it again [R3, R16, R17, R30].

Surveying        + a mail came          -> Ticketed, OpenTicket, first mail with number and promise
Ticketed, Ended  + its sender replied   -> Ticketed, the new text; a closed ticket opens again
"""

from __future__ import annotations

from msgspec.structs import replace

from chatdesk.changes import OPENED
from chatdesk.conversation import Author, AuthorKind, DialogueState, Surveying, Ticketed, Visibility
from chatdesk.effects import Announce, Decision, Effect, MailKind, MailRequester, OpenTicket, Post, Record
from chatdesk.errors import EventRefused
from chatdesk.events import MailReceived, MailReplied
from chatdesk.plain_text import shortened
from chatdesk.sender import STANDING, Standing
from chatdesk.situation import Situation
from chatdesk.sla import due_by, earliest, next_business_day
from chatdesk.ticket import Ticket, TicketStatus, TicketType, format_number
from chatdesk.wording import say_moment
from flows.message_text import MAX_TEXT, clean
from flows.queueing import refuse_for_good, say, ticket_of

MAX_SUBJECT = 150
NO_SUBJECT = "(no subject)"
CUT = "\n\n(The rest of this mail is in the original, which is kept.)"


def step(state: DialogueState, event: MailReceived | MailReplied, situation: Situation) -> Decision:
    """Return what follows from a mail. Raises EventRefused when it cannot become part of the ticket."""
    match event:
        case MailReceived():
            if not isinstance(state, Surveying):
                raise EventRefused("This mail is a ticket already.", code="placed")
            return _opened(event, situation)
        case MailReplied():
            return _replied(state, event, situation)


def _opened(event: MailReceived, situation: Situation) -> Decision:
    ticket = _draft(event, situation)
    author = Author(AuthorKind.CUSTOMER, event.visitor, ticket.requester_name)
    effects: list[Effect] = [OpenTicket(ticket), _record(event, author)]
    if event.linked_to is not None:
        meant = format_number(situation.config.desk.ticket_prefix, event.linked_to)
        effects.append(Record("linked", author, f"the mail names {meant}; its sender takes no part there"))
    effects.append(_message(author, event))
    effects += _warning(event.standing, event.sender, situation)
    if event.acknowledge:
        effects.append(MailRequester(MailKind.OPENED, _thanks(ticket, event, situation)))
    effects.append(Announce("ticket by mail"))
    return Decision(Ticketed(ticket.promised_at), tuple(effects))


def _record(event: MailReceived, author: Author) -> Record:
    if event.placed_by is None:
        return Record(OPENED, author, after=TicketStatus.NEW)
    return Record(OPENED, event.placed_by.author, "from a held mail", after=TicketStatus.NEW)


def _draft(event: MailReceived, situation: Situation) -> Ticket:
    if situation.next_number is None:
        raise EventRefused("No ticket number is reserved.", code="no_number")
    channel = situation.config.channel(event.channel)
    answers = {
        "name": event.name,
        "company": event.company,
        "email": event.sender,
        "phone": event.phone,
        STANDING: event.standing.value,
    }
    target = situation.config.target(channel.priority, TicketType.INCIDENT)
    due = due_by(situation.config, event.channel, target, event.at)
    promised = None
    if not channel.calendar.is_open(event.at):
        promised = next_business_day(situation.config, channel.calendar, event.at)
        due = earliest(promised, due)
    return Ticket(
        number=situation.next_number,
        status=TicketStatus.NEW,
        type=TicketType.INCIDENT,
        priority=channel.priority,
        subject=_subject(event),
        channel=event.channel,
        opened_at=event.at,
        changed_at=event.at,
        requester_name=event.name or event.sender,
        requester_email=event.sender,
        requester_phone=event.phone,
        company=event.company,
        answers=tuple((identity, answer) for identity, answer in answers.items() if answer),
        promised_at=promised,
        due_at=due,
        linked_to=event.linked_to,
    )


def _subject(event: MailReceived) -> str:
    line = " ".join(clean(event.subject).split()) or clean(event.text).strip().split("\n", 1)[0].strip()
    return shortened(line or NO_SUBJECT, MAX_SUBJECT)


def _thanks(ticket: Ticket, event: MailReceived, situation: Situation) -> str:
    parts = [f"Thank you for your message. Your ticket is {situation.ticket_name}."]
    if ticket.promised_at is not None:
        moment = say_moment(ticket.promised_at, event.at, situation.config.desk.timezone)
        parts.append(f"A technician will contact you on {moment}.")
    if not event.phone:
        parts.append("Please reply with a number at which we can call you back.")
    return " ".join(parts)


def _replied(state: DialogueState, event: MailReplied, situation: Situation) -> Decision:
    ticket = ticket_of(situation)
    refuse_for_good(ticket, event.at, situation)
    author = Author(AuthorKind.CUSTOMER, event.visitor, event.name or event.sender)
    effects: list[Effect] = [_message(author, event), *_warning(event.standing, event.sender, situation)]
    if ticket.is_done and not event.reopens:
        text = f"{situation.ticket_name} was re-opened by mail too often today; this reply did not open it."
        effects.append(_note(situation, text))
    effects.append(Announce("customer wrote"))
    return Decision(state if isinstance(state, Ticketed) else Ticketed(), tuple(effects))


def _message(author: Author, event: MailReceived | MailReplied) -> Post:
    text = clean(event.text)
    if len(text) > MAX_TEXT:
        text = text[: MAX_TEXT - len(CUT)].rstrip() + CUT
    if not text.strip() and not event.files:
        text = "(This mail has no text.)"
    return Post(author, text, files=event.files)


def _warning(standing: Standing, sender: str, situation: Situation) -> tuple[Post, ...]:
    """Tell staff, and nobody else, that the sender's address may be forged [R38]."""
    if standing is Standing.VERIFIED:
        return ()
    failed = " Its sender failed the verification." if standing is Standing.FAILED else ""
    text = f"The mail server does not vouch that {sender} wrote this; the address may be forged.{failed}"
    return (_note(situation, text),)


def _note(situation: Situation, text: str) -> Post:
    return replace(say(situation, text), visibility=Visibility.INTERNAL)
