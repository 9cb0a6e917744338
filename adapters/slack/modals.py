"""The dialogs behind the card's buttons and the survey: built for Slack, and read back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

from adapters.slack.block_limits import (
    MAX_HINT,
    MAX_INPUT,
    MAX_LABEL,
    MAX_MODAL_BLOCKS,
    MAX_OPTION,
    MAX_OPTIONS,
    MAX_TITLE,
    context,
    cut,
    marked,
    plain,
    units,
)
from adapters.slack.payload import Block, Payload, number, part, text
from chatdesk.config import TierSettings
from chatdesk.survey import FieldType, Survey, SurveyField

ANSWER_PREFIX = "answer_"


@dataclass(frozen=True, slots=True)
class Subject:
    """What a dialog is about, carried along by Slack: nothing here is a secret or a right."""

    ticket: str = ""
    channel: str = ""
    thread: str = ""
    extra: dict[str, str] = field(default_factory=dict)

    def written(self) -> str:
        """Return it as the dialog's metadata."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def read(cls, view: Payload) -> Subject:
        """Read a dialog's metadata; what cannot be read is empty."""
        try:
            found: object = json.loads(text(view, "private_metadata") or "{}")
        except ValueError:
            found = {}
        given: Payload = found if isinstance(found, Mapping) else {}
        extra = {key: value for key, value in part(given, "extra").items() if isinstance(value, str)}
        return cls(text(given, "ticket"), text(given, "channel"), text(given, "thread"), extra)


def reply(subject: Subject) -> Block:
    """Return the dialog to answer the customer."""
    hint = "The customer reads this: in the chat if they are there, by mail otherwise."
    return _modal("reply", f"Reply · {subject.ticket}", "Send", subject, [_text("text", "Answer", hint)])


def note(subject: Subject) -> Block:
    """Return the dialog for an internal note."""
    hint = "Only technicians read this."
    return _modal("note", f"Note · {subject.ticket}", "Save", subject, [_text("text", "Internal note", hint)])


def resolve(subject: Subject) -> Block:
    """Return the dialog to resolve a ticket."""
    hint = "The customer reads this in the chat and by mail."
    blocks = [_text("resolution", "How was it resolved?", hint)]
    return _modal("resolve", f"Resolve · {subject.ticket}", "Resolve", subject, blocks)


def wait(subject: Subject) -> Block:
    """Return the dialog to wait for the customer, a vendor or a date."""
    options = [
        _option("customer", "The customer's answer"),
        _option("vendor", "A vendor"),
        _option("date", "A scheduled date"),
    ]
    blocks = [
        _input("on", "Wait for", {"type": "radio_buttons", "options": options, "initial_option": options[0]}),
        _text("text", "Question to the customer, or reason", "A question is sent.", required=False),
        _input("until", "Until", {"type": "datetimepicker"}, "For a vendor or a date.", required=False),
    ]
    return _modal("wait", f"Wait · {subject.ticket}", "Wait", subject, blocks)


def escalate(subject: Subject, tiers: Sequence[TierSettings]) -> Block:
    """Return the dialog to escalate a ticket to one of the tiers."""
    options = [_option(tier.id, tier.name) for tier in tiers[:MAX_OPTIONS]]
    choice: Block = {"type": "static_select", "options": options}
    if len(options) == 1:
        choice["initial_option"] = options[0]
    hint = "Only technicians read this. The customer reads that the ticket was passed on."
    blocks = [_input("tier", "To", choice), _text("reason", "Why", hint)]
    return _modal("escalate", f"Escalate · {subject.ticket}", "Escalate", subject, blocks)


def hand_over(subject: Subject) -> Block:
    """Return the dialog to give a ticket to a colleague, whoever it is."""
    colleague: Block = {"type": "users_select"}
    blocks = [
        _input("to", "To", colleague, "A technician of the desk."),
        _text("reason", "Why", "Only technicians read this.", required=False),
    ]
    return _modal("hand_over", f"Hand over · {subject.ticket}", "Hand over", subject, blocks)


def add_to_ticket(subject: Subject, prefix: str, words: str) -> Block:
    """Return the dialog that adds a message's words to a ticket."""
    number: Block = {"type": "plain_text_input", "max_length": 40}
    note: Block = {
        "type": "plain_text_input",
        "multiline": True,
        "max_length": MAX_INPUT,
        "initial_value": cut(words, MAX_INPUT),
    }
    blocks = [
        _input("ticket", "Ticket", number, f"Such as {prefix}-1024."),
        _input("text", "Internal note", note, "Only technicians read this."),
    ]
    return _modal("add", "Add to ticket", "Add", subject, blocks)


def survey(
    questions: Survey,
    callback: str,
    title: str,
    submit: str,
    subject: Subject,
    known: Mapping[str, str],
    notes: Sequence[Block] = (),
) -> Block:
    """Return the desk's survey as a dialog, under ``notes``.

    ``known`` are answers filled in already, by field id.
    """
    blocks = [*notes, *(_question(one, known.get(one.id, "")) for one in questions.fields)]
    if len(blocks) > MAX_MODAL_BLOCKS:
        left_out = context(marked("Further questions are in the console."))
        blocks = [*blocks[: MAX_MODAL_BLOCKS - 1], left_out]
    return _modal(callback, title, submit, subject, blocks)


def answers(view: Payload) -> dict[str, str]:
    """Return the survey's answers, by field id."""
    values = part(view, "state", "values")
    found = {name.removeprefix(ANSWER_PREFIX): value(view, name) for name in values}
    return {name: answer for name, answer in found.items() if answer}


def value(view: Payload, name: str) -> str:
    """Return what was entered into the input ``name``: its text, or the chosen option's value."""
    entered = part(view, "state", "values", name, "value")
    chosen = part(entered, "selected_option")
    # An option's value may be shortened; what it says is whole.
    return text(entered, "value") or text(chosen, "value") or text(entered, "selected_user")


def moment(view: Payload, name: str) -> datetime | None:
    """Return the moment chosen in the input ``name``, in UTC; None when there is none."""
    seconds = number(view, "state", "values", name, "value", "selected_date_time")
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def problems(found: Mapping[str, str]) -> Payload:
    """Return the answer that shows problems beside the dialog's inputs, by their name."""
    return {"response_action": "errors", "errors": dict(found)}


def replaced(title: str, words: str) -> Payload:
    """Return the answer that shows one message in place of the dialog."""
    view = {
        "type": "modal",
        "title": plain(title, MAX_TITLE),
        "close": plain("Close", MAX_TITLE),
        "blocks": [{"type": "section", "text": plain(words)}],
    }
    return {"response_action": "update", "view": view}


def _question(question: SurveyField, known: str) -> Block:
    name = f"{ANSWER_PREFIX}{question.id}"
    # One that depends on another answer may not be asked at all; the desk checks it when it is.
    required = question.required and not question.when
    options = question.options if question.type is FieldType.CHOICE else ()
    if 0 < len(options) <= MAX_OPTIONS and all(units(option) <= MAX_OPTION for option in options):
        choices = [_option(option, option) for option in options]
        element: Block = {"type": "static_select", "options": choices}
        if known in options:
            element["initial_option"] = _option(known, known)
    else:
        element = {
            "type": "plain_text_input",
            "multiline": question.type is FieldType.LONG,
            "max_length": max(1, min(MAX_INPUT, question.max_length)),
        }
        if known:
            element["initial_value"] = cut(known, min(MAX_INPUT, question.max_length))
    return _input(name, question.ask, element, question.help, required=required)


def _modal(callback: str, title: str, submit: str, subject: Subject, blocks: list[Block]) -> Block:
    return {
        "type": "modal",
        "callback_id": callback,
        "title": plain(title, MAX_TITLE),
        "submit": plain(submit, MAX_TITLE),
        "close": plain("Cancel", MAX_TITLE),
        "private_metadata": subject.written(),
        "blocks": blocks,
    }


def _text(name: str, label: str, hint: str, *, required: bool = True) -> Block:
    element: Block = {"type": "plain_text_input", "multiline": True, "max_length": MAX_INPUT}
    return _input(name, label, element, hint, required=required)


def _input(name: str, label: str, element: Block, hint: str = "", *, required: bool = True) -> Block:
    block: Block = {
        "type": "input",
        "block_id": name,
        "optional": not required,
        "label": plain(label, MAX_LABEL),
        "element": {**element, "action_id": "value"},
    }
    if hint:
        block["hint"] = plain(hint, MAX_HINT)
    return block


def _option(chosen: str, label: str) -> Block:
    return {"text": plain(label, MAX_OPTION), "value": chosen}
