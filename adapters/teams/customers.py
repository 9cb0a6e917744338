"""Customers in Teams: the survey as a card, the live chat in the same chat, the state of their tickets [R7].

A person's directory tells the company; nothing that is typed does [threat 29].
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from adapters.teams import changes
from adapters.teams.calls import conversation_for, problems_of
from adapters.teams.card_parts import card, execute, fact, heading, line, maintenance_notes
from adapters.teams.inbound_files import keep_files
from adapters.teams.incoming import Incoming, texts_of
from adapters.teams.json_value import Document, Json, value_at
from adapters.teams.memory import KnownPerson
from adapters.teams.people import People, visitor_of
from adapters.teams.services import CHANNEL, TeamsServices
from adapters.teams.survey_card import answers_from, has_further_questions, survey_card
from adapters.teams.ticket_card import name_of
from adapters.teams.turn import Reply, Turn, card_reply
from chatdesk.conversation import Conversation, ConversationId, Surveying, Waiting
from chatdesk.errors import EventRefused
from chatdesk.events import CustomerEnded, CustomerLeft, CustomerMessaged, Outcome, SurveySubmitted

SURVEY, NEW = "customer_survey", "customer_new"
WIDGET = "teams"
SHOWN_TICKETS = 5
HELP = (
    "Write what is the matter and a technician answers you here. "
    "new: ask something else. status: see your tickets. end: end the chat."
)


async def receive_message(turn: Turn) -> None:
    """Take one message of a customer's direct chat. Raises StorageError when it has to be sent again."""
    incoming = turn.incoming
    person = await meet(turn.services, incoming)
    command = incoming.text.casefold().strip(" .!")
    if not incoming.files and command in COMMANDS:
        await COMMANDS[command](turn, person)
        return
    conversation = await _current(turn.services, person)
    if conversation is None:
        await _ask(turn, person, incoming.text)
        return
    try:
        await _write(turn, conversation)
    except EventRefused as refused:
        turn.say(str(refused))


async def meet(services: TeamsServices, incoming: Incoming) -> KnownPerson:
    """Remember how the person is reached, and return what is known of them."""
    person, key = incoming.person, incoming.person.key
    known = await services.memory.person(key)
    place = incoming.place
    met = KnownPerson(
        place.service_url, place.conversation, person.id, person.name, known.chats if known else ()
    )
    if met != known:
        await services.memory.keep_person(key, met)
    return met


async def press(turn: Turn, verb: str, data: Json) -> Reply:
    """Take the survey. Raises EventRefused or StorageError."""
    services, survey = turn.services, turn.services.config.survey
    if not turn.incoming.is_personal:
        raise EventRefused("Please write to me in a chat of our own.", code="not_personal")
    person = await meet(services, turn.incoming)
    if verb == NEW:
        return card_reply(_survey(services, _known(turn, person, "")))
    if verb != SURVEY:
        raise EventRefused("This button is not known any more; write: new", code="unknown")
    answers = answers_from(texts_of(data), survey)
    shown = value_at(data, "shown")
    if isinstance(shown, list) and has_further_questions(survey, answers, shown):
        return card_reply(_survey(services, answers))
    try:
        outcome = await _submit(turn, answers)
    except EventRefused as refused:
        problems = problems_of(refused)
        if not problems:
            raise
        return card_reply(_survey(services, answers, problems))
    await _join(services, turn.incoming, person, outcome)
    return card_reply(_sent_card(services, outcome, answers))


async def _submit(turn: Turn, answers: Mapping[str, str]) -> Outcome:
    services, incoming = turn.services, turn.incoming
    event = SurveySubmitted(
        at=services.clock(),
        channel=CHANNEL,
        external_id=f"{incoming.key}/survey",
        conversation=conversation_for(incoming.key),
        visitor=visitor_of(incoming.person),
        widget=WIDGET,
        answers=tuple(answers.items()),
        company=People(services).company(incoming.person),
    )
    return await services.desk.receive(event)


async def _join(services: TeamsServices, incoming: Incoming, person: KnownPerson, outcome: Outcome) -> None:
    """Remember the conversation that the survey began, or the open one that there was."""
    if outcome.conversation is not None and outcome.conversation not in person.chats:
        joined = replace(person, chats=(*person.chats, outcome.conversation))
        await services.memory.keep_person(incoming.person.key, joined)


async def _write(turn: Turn, conversation: Conversation) -> None:
    services, incoming = turn.services, turn.incoming
    visitor = visitor_of(incoming.person)
    files = await keep_files(services, incoming, conversation.id, visitor)
    if not incoming.text and not files:
        return
    event = CustomerMessaged(
        at=services.clock(),
        channel=CHANNEL,
        external_id=incoming.key,
        conversation=conversation.id,
        visitor=visitor,
        text=incoming.text,
        files=files,
    )
    outcome = await services.desk.receive(event)
    await changes.remember(turn, outcome, visitor)


async def _current(services: TeamsServices, person: KnownPerson) -> Conversation | None:
    """Return the conversation that a message belongs to: the newest."""
    if not person.chats:
        return None
    found = await services.staff_reads.conversation(ConversationId(person.chats[-1]))
    return None if found is None or isinstance(found.state, Surveying) else found


async def _ask(turn: Turn, person: KnownPerson, text: str = "") -> None:
    """Show the survey, with what the person wrote already filled in."""
    asked = _survey(turn.services, _known(turn, person, text))
    turn.show(asked, f"{turn.services.config.desk.name}: a few questions first")


def _known(turn: Turn, person: KnownPerson, text: str) -> Mapping[str, str]:
    """Return the answers that are known without asking."""
    services = turn.services
    company = services.config.company(People(services).company(turn.incoming.person))
    known = {"name": person.name, "company": company.name if company else "", "issue": text}
    return {name: text for name, text in known.items() if text and services.config.survey.field(name)}


async def _status(turn: Turn, person: KnownPerson) -> None:
    """Show the newest of the person's own tickets."""
    services = turn.services
    body = [heading("Your tickets")]
    for chat in reversed(person.chats[-SHOWN_TICKETS:]):
        visitor = visitor_of(turn.incoming.person)
        ticket = await services.visitor_reads.ticket(visitor, ConversationId(chat))
        if ticket is not None:
            body.append(fact(f"{name_of(services.config, ticket)}, {ticket.status}", ticket.subject))
    if len(body) == 1:
        body.append(line("You have no tickets yet. Write what is the matter."))
    turn.show(card(body), "Your tickets")


async def _new(turn: Turn, person: KnownPerson) -> None:
    await _ask(turn, person)


async def _help(turn: Turn, person: KnownPerson) -> None:
    turn.say(HELP)


async def _end(turn: Turn, person: KnownPerson) -> None:
    """End the chat, or leave the queue and keep the ticket [R24]."""
    services, incoming = turn.services, turn.incoming
    conversation = await _current(services, person)
    if conversation is None or not conversation.is_open:
        turn.say("There is no chat to end. Write what is the matter to begin one.")
        return
    kind = CustomerLeft if isinstance(conversation.state, Waiting) else CustomerEnded
    event = kind(
        at=services.clock(),
        channel=CHANNEL,
        external_id=f"{incoming.key}/end",
        conversation=conversation.id,
        visitor=visitor_of(incoming.person),
    )
    _ = await services.desk.receive(event)


COMMANDS = {
    "new": _new,
    "status": _status,
    "my tickets": _status,
    "help": _help,
    "end": _end,
    "leave": _end,
}


def _survey(
    services: TeamsServices, answers: Mapping[str, str], problems: Mapping[str, str] | None = None
) -> Document:
    desk, survey = services.config.desk, services.config.survey
    hint = "A technician answers you in this chat."
    if desk.phone:
        hint += f" If work has stopped completely, call {desk.phone}."
    return survey_card(
        survey,
        title=desk.name,
        verb=SURVEY,
        button=survey.submit,
        answers=answers,
        problems=problems,
        hint=hint,
        notes=maintenance_notes(services.config, services.clock()),
    )


def _sent_card(services: TeamsServices, outcome: Outcome, answers: Mapping[str, str]) -> Document:
    """What takes the survey's place: the questions are not asked twice."""
    body = [heading(f"{services.config.desk.ticket_prefix}-{outcome.ticket}"), line("Sent. Thank you.")]
    for field in services.config.survey.fields:
        if field.id in answers:
            body.append(fact(field.ask, answers[field.id]))
    return card(body)


def greeting(services: TeamsServices) -> Document:
    """What somebody reads who adds the bot."""
    body = [
        heading(services.config.desk.name),
        line(f"{HELP} Phone: {services.config.desk.phone}" if services.config.desk.phone else HELP),
    ]
    return card(body, [execute("Ask for help", NEW)])
