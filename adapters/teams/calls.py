"""Calls and direct requests that a technician writes down: the survey as a card [R5, R9]."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from adapters.teams.card_parts import maintenance_notes
from adapters.teams.incoming import texts_of
from adapters.teams.json_value import Document, Json, value_at
from adapters.teams.services import PHONE, TeamsServices
from adapters.teams.survey_card import answers_from, has_further_questions, survey_card
from adapters.teams.ticket_card import ticket_card
from adapters.teams.ticket_facts import read_facts
from adapters.teams.turn import Reply, Turn, card_reply
from chatdesk.conversation import Agent, ConversationId
from chatdesk.errors import EventRefused, NotFound
from chatdesk.events import CallLogged

VERB = "log_call"


def call_card(
    services: TeamsServices, answers: Mapping[str, str], problems: Mapping[str, str] | None = None
) -> Document:
    """Return the survey, to be filled in for somebody on the phone."""
    return survey_card(
        services.config.survey,
        title="Log a call",
        verb=VERB,
        button="Create ticket",
        answers=answers,
        problems=problems,
        hint="Write down who calls and what is the matter; the caller gets the e-mail.",
        notes=maintenance_notes(services.config, services.clock()),
    )


async def log(turn: Turn, agent: Agent, data: Json) -> Reply:
    """Open the ticket and show its card; a card with problems comes back with what was entered."""
    services, survey = turn.services, turn.services.config.survey
    answers = answers_from(texts_of(data), survey)
    shown = value_at(data, "shown")
    if isinstance(shown, list) and has_further_questions(survey, answers, shown):
        return card_reply(call_card(services, answers))
    try:
        made = await open_call(turn, agent, answers)
    except EventRefused as refused:
        problems = problems_of(refused)
        if not problems:
            raise
        return card_reply(call_card(services, answers, problems))
    return card_reply(made)


async def open_call(turn: Turn, agent: Agent, answers: Mapping[str, str]) -> Document:
    """Open a ticket from the answers and return its card. Raises EventRefused."""
    services, key = turn.services, turn.incoming.key
    event = CallLogged(
        at=services.clock(),
        channel=PHONE,
        external_id=f"teams:{key}",
        conversation=conversation_for(key),
        agent=agent,
        answers=tuple(answers.items()),
    )
    outcome = await services.desk.receive(event)
    if outcome.ticket is None:
        raise NotFound("The ticket")
    return ticket_card(services.config, await read_facts(services, outcome.ticket))


def conversation_for(key: str) -> ConversationId:
    """Return the conversation's id: a call that is repeated names the same one."""
    return ConversationId(hashlib.sha256(f"teams:{key}".encode()).hexdigest()[:32])


def problems_of(refused: EventRefused) -> Mapping[str, str]:
    """Return what is wrong with which answer, where the refusal says."""
    found = getattr(refused, "problems", None)
    return found if isinstance(found, Mapping) else {}
