"""From answers to a ticket: by survey, open or after hours, or logged by a technician [R5, R11, R27]."""

from __future__ import annotations

import unicodedata
from datetime import datetime

from msgspec.structs import replace

from chatdesk.changes import OPENED
from chatdesk.computer import COMPUTER
from chatdesk.conversation import Author, AuthorKind, Ended, Ticketed, Waiting
from chatdesk.effects import Announce, Decision, MailKind, MailRequester, OpenTicket, Post, Record, StartTimer
from chatdesk.errors import EventRefused
from chatdesk.events import CallLogged, SurveySubmitted
from chatdesk.open_ways import refusal
from chatdesk.plain_text import shortened
from chatdesk.queue_words import say_place
from chatdesk.site_identity import IDENTIFIED_BY, site_of
from chatdesk.situation import Situation
from chatdesk.sla import due_by, resolve_by, target_of
from chatdesk.ticket import Priority, Ticket, TicketStatus, TicketType
from flows import after_hours
from flows.pre_chat_survey import check_answers
from flows.promises import call_back_by, call_back_text, work_has_stopped
from flows.queueing import NO_ANSWER, say

ISSUE = "issue"
"""The survey's field in which the customers say in their own words what is happening; it is always asked."""
MAX_FIRST_NAME = 24
MAX_SUBJECT = 80


def open_by_survey(event: SurveySubmitted, situation: Situation) -> Decision:
    """Open a ticket from the survey, and put the customer in the queue if the desk is open [R23, R27].

    Raises SurveyRefused when an answer cannot be taken, EventRefused for a way in that is not offered [R8].
    """
    refused = refusal(situation.config, event.channel)
    if refused:
        raise EventRefused(refused, code="not_offered")
    answers = check_answers(situation.config.survey, {**dict(event.answers), **dict(event.vouched)})
    words = answers[ISSUE]
    ticket = draft_ticket(situation, answers, words, event.channel, event.at)
    target = target_of(situation.config, ticket)
    ticket = replace(ticket, due_at=due_by(situation.config, event.channel, target, event.at))
    ticket = replace(ticket, answers=(*_noted(event, situation), *ticket.answers))
    first = Post(Author(AuthorKind.CUSTOMER, event.visitor, ticket.requester_name), words, files=event.files)
    if not situation.calendar.is_open(event.at):
        return after_hours.open_ticket(event, situation, ticket, first)
    if not event.live:
        return _by_form(event, situation, ticket, first)
    return _into_queue(event, situation, ticket, first)


def _noted(event: SurveySubmitted, situation: Situation) -> tuple[tuple[str, str], ...]:
    """Return what the desk notes of itself beside the answers."""
    company = situation.config.company(situation.conversation.company_id)
    vouching = site_of(company.name if company and event.vouched else "")
    noted = ((IDENTIFIED_BY, vouching), (COMPUTER, event.computer))
    return tuple((what, words) for what, words in noted if words)


def log_call(event: CallLogged, situation: Situation) -> Decision:
    """Open a ticket for a call or a direct request, written down by a technician [R5, R9].

    They have spoken with the customer: that was the first response [R44].
    """
    answers = check_answers(situation.config.survey, dict(event.answers))
    words = answers[ISSUE]
    ticket = draft_ticket(situation, answers, words, event.channel, event.at)
    due = resolve_by(situation.config, target_of(situation.config, ticket), event.at)
    ticket = replace(ticket, first_response_at=event.at, due_at=due)
    author = Author(AuthorKind.CUSTOMER, "", ticket.requester_name)
    text = f"{event.agent.name} has written down your request as {situation.ticket_name}."
    effects = (
        OpenTicket(ticket),
        Record("logged", event.agent.author, after=TicketStatus.NEW),
        Post(author, words),
        MailRequester(MailKind.OPENED, text),
        Announce("call logged"),
    )
    return Decision(Ended(event.at), effects)


def draft_ticket(
    situation: Situation, answers: dict[str, str], words: str, channel: str, at: datetime
) -> Ticket:
    """Return the ticket that the answers describe, with the number reserved for it.

    ``words`` are the customer's own, of which its subject is made.
    """
    if situation.next_number is None:
        raise EventRefused("No ticket number is reserved.", code="no_number")
    email = answers.get("email", "")
    company = situation.config.company(situation.conversation.company_id)
    return Ticket(
        number=situation.next_number,
        status=TicketStatus.NEW,
        type=TicketType.INCIDENT,
        priority=_proposed_priority(situation, answers, channel),
        subject=shortened(words.split("\n", 1)[0].strip(), MAX_SUBJECT),
        channel=channel,
        opened_at=at,
        changed_at=at,
        requester_name=answers.get("name", email),
        requester_email=email,
        requester_phone=answers.get("phone", ""),
        company=answers.get("company", company.name if company else ""),
        answers=tuple(answers.items()),
    )


def _proposed_priority(situation: Situation, answers: dict[str, str], channel: str) -> Priority:
    """Return what impact and urgency propose, or the channel's default when they were not told [R31, R40]."""
    matrix = situation.config.priority
    if matrix.is_answered(answers):
        return matrix.propose(answers)
    return situation.config.channel(channel).priority


def _into_queue(event: SurveySubmitted, situation: Situation, ticket: Ticket, first: Post) -> Decision:
    until = event.at + situation.config.queue.no_answer
    place = situation.place_in_queue(event.at, ticket.priority)
    thanks = _thanks(situation, ticket)
    text = f"{thanks}. {say_place(place)}"
    phone = situation.config.desk.phone
    if phone and work_has_stopped(situation, ticket):
        text += f" Since your work has stopped, you can also call {phone} now."
    effects = (
        OpenTicket(ticket),
        Record(OPENED, first.author, after=TicketStatus.NEW),
        first,
        say(situation, text),
        StartTimer(NO_ANSWER, until),
        MailRequester(MailKind.OPENED, f"{thanks}."),
        Announce("chat waiting"),
    )
    return Decision(Waiting(event.at, until), effects)


def _by_form(event: SurveySubmitted, situation: Situation, ticket: Ticket, first: Post) -> Decision:
    ticket = replace(ticket, promised_at=call_back_by(situation, ticket, event.at))
    opening = f"{_thanks(situation, ticket)}:"
    text = call_back_text(situation, ticket, event.at, opening)
    mail = call_back_text(situation, ticket, event.at, opening, mailed=True)
    effects = (
        OpenTicket(ticket),
        Record(OPENED, first.author, after=TicketStatus.NEW),
        first,
        say(situation, text),
        MailRequester(MailKind.OPENED, mail),
        Announce("ticket opened"),
    )
    return Decision(Ticketed(ticket.promised_at), effects)


def _thanks(situation: Situation, ticket: Ticket) -> str:
    first_name = ticket.requester_name.split()[0]
    named = f", {first_name}" if is_plain_name(first_name) else ""
    return f"Thank you{named}. Your ticket is {situation.ticket_name}"


def is_plain_name(word: str) -> bool:
    """Tell whether a word can only be a name: letters, hyphens and apostrophes, and not many.

    The thanks are mailed to an address that anybody can type, and so must carry no address and no
    advertisement.
    """
    if len(word) > MAX_FIRST_NAME:
        return False
    if word.isascii() and word.isalpha():
        return True
    return all(unicodedata.category(char)[0] in "LM" or char in "-'\u2019" for char in word)
