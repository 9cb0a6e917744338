"""The message extension: search tickets, and "Log as ticket" and "Add to ticket" on any message."""

from __future__ import annotations

import re

from adapters.teams import calls
from adapters.teams.card_parts import CARD_TYPE, attachment, card, execute, heading, line, text_input
from adapters.teams.incoming import texts_of
from adapters.teams.json_value import Document, object_at, objects_at, text_at
from adapters.teams.services import CARD, TeamsServices
from adapters.teams.survey_card import answers_from
from adapters.teams.ticket_card import name_of, summary, ticket_card
from adapters.teams.ticket_facts import facts_of_card, read_facts
from adapters.teams.ticket_steps import Step, write
from adapters.teams.turn import Reply, Turn
from chatdesk.conversation import Agent, Visibility
from chatdesk.errors import DeskStopped, EventRefused, StorageError
from chatdesk.reading import TicketFilter, TicketView
from chatdesk.ticket import parse_number

LOG, ADD = "logTicket", "addToTicket"
RESULTS = 10
MAX_QUOTE = 3_500


async def search(turn: Turn) -> Reply:
    """Answer with the tickets that the typed words are found in."""
    if turn.agent is None:
        return _message("Only technicians of the desk can search tickets.")
    typed = [text_at(one, "value") for one in objects_at(turn.incoming.value, "parameters")]
    text = next((one for one in typed if one and one != "true"), "")
    page = await turn.services.staff_reads.tickets(TicketFilter(TicketView.ALL, text=text), limit=RESULTS)
    config = turn.services.config
    results: list[Document] = []
    for found in page.lines:
        facts = await facts_of_card(turn.services, found)
        preview: Document = {"title": name_of(config, found.ticket), "text": summary(config, facts)}
        shown = {"contentType": "application/vnd.microsoft.card.thumbnail", "content": preview}
        results.append({**attachment(ticket_card(config, facts)), "preview": shown})
    body: Document = {"type": "result", "attachmentLayout": "list", "attachments": results}
    return Reply({"composeExtension": body})


async def begin(turn: Turn) -> Reply:
    """Open the form of an action, with the message's words in it."""
    if turn.agent is None:
        return _task("chatdesk", card([line("Only technicians of the desk can do this.")]))
    quote = quoted(turn)
    if text_at(turn.incoming.value, "commandId") == ADD:
        return _task("Add to ticket", _add_card(turn.services, quote, ""))
    return _task("Log as ticket", calls.call_card(turn.services, {"issue": quote}))


async def submit(turn: Turn) -> Reply:
    """Take a filled-in form; one with problems comes back."""
    if turn.agent is None:
        return _task("chatdesk", card([line("Only technicians of the desk can do this.")]))
    data = object_at(turn.incoming.value, "data")
    inputs = texts_of(object_at(data, "action", "data") or data)
    try:
        if text_at(turn.incoming.value, "commandId") == ADD:
            return await _add(turn, turn.agent, inputs)
        return await _log(turn, turn.agent, inputs)
    except (StorageError, DeskStopped):
        return _task("chatdesk", card([line("This could not be saved just now. Please try again.")]))


def quoted(turn: Turn) -> str:
    """Return the words of the message that the action was chosen on, as plain text."""
    html = text_at(turn.incoming.value, "messagePayload", "body", "content")
    text = re.sub(r"<(br|/p|/div)[^>]*>", "\n", html)
    return re.sub(r"<[^>]*>", "", text).replace("&nbsp;", " ").strip()[:MAX_QUOTE]


async def _log(turn: Turn, agent: Agent, inputs: dict[str, str]) -> Reply:
    answers = answers_from(inputs, turn.services.config.survey)
    try:
        return _task("Ticket", await calls.open_call(turn, agent, answers))
    except EventRefused as refused:
        problems = calls.problems_of(refused) or {"issue": str(refused)}
        return _task("Log as ticket", calls.call_card(turn.services, answers, problems))


async def _add(turn: Turn, agent: Agent, inputs: dict[str, str]) -> Reply:
    services = turn.services
    number = parse_number(services.config.desk.ticket_prefix, inputs.get("number", ""))
    text = inputs.get("text", "")
    try:
        if number is None:
            raise EventRefused(f"Write a number such as {services.config.desk.ticket_prefix}-1024.")
        step = Step(agent, number, "note", turn.incoming.key, {}, channel=CARD)
        _ = await write(services, step, text, Visibility.INTERNAL)
        return _task("Ticket", ticket_card(services.config, await read_facts(services, number)))
    except EventRefused as refused:
        return _task("Add to ticket", _add_card(services, text, str(refused)))


def _add_card(services: TeamsServices, text: str, problem: str) -> Document:
    body = [
        heading("Add to ticket"),
        line("The text becomes an internal note.", subtle=True),
        text_input("number", "Ticket", placeholder=f"{services.config.desk.ticket_prefix}-1024"),
        text_input("text", "Note", isMultiline=True, value=text, maxLength=4_000),
    ]
    if problem:
        body.append(line(problem, colour="Attention"))
    return card(body, [execute("Add", "add")])


def _task(title: str, shown: Document) -> Reply:
    # A form in a dialogue is sent back by Action.Submit; only cards in messages take Action.Execute.
    form = {**shown, "actions": [{**action, "type": "Action.Submit"} for action in _buttons(shown)]}
    content = {"contentType": CARD_TYPE, "content": form}
    value: Document = {"title": title, "height": "large", "width": "medium", "card": content}
    return Reply({"task": {"type": "continue", "value": value}})


def _buttons(shown: Document) -> list[Document]:
    actions = shown.get("actions")
    found = [action for action in actions if isinstance(action, dict)] if isinstance(actions, list) else []
    return [action for action in found if action.get("verb") in (calls.VERB, "add")]


def _message(text: str) -> Reply:
    return Reply({"composeExtension": {"type": "message", "text": text}})
