"""The survey as a card: the same definition as the form on web pages [R23]."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from adapters.teams.card_parts import card, choice_input, execute, heading, line, text_input
from adapters.teams.json_value import Document
from chatdesk.survey import FieldType, Survey, SurveyField

STYLES = {FieldType.EMAIL: "Email", FieldType.PHONE: "Tel"}
PREFIX = "answer_"


def survey_card(
    survey: Survey,
    *,
    title: str,
    verb: str,
    button: str,
    answers: Mapping[str, str],
    problems: Mapping[str, str] | None = None,
    hint: str = "",
    notes: Sequence[Document] = (),
) -> Document:
    """Return the questions that are asked given ``answers``, filled in with them.

    ``notes`` are lines above them. ``problems`` maps a field's id to what is wrong with its answer. One
    that depends on another appears once that one is answered.
    """
    found = problems or {}
    body: list[Document] = [heading(title)]
    if hint:
        body.append(line(hint, subtle=True))
    body += notes
    for field in asked(survey, answers):
        body.append(_field(field, answers.get(field.id, "")))
        if field.help:
            body.append(line(field.help, subtle=True))
        if field.id in found:
            body.append(line(found[field.id], colour="Attention"))
    shown = [field.id for field in asked(survey, answers)]
    return card(body, [execute(button, verb, shown=shown)])


def asked(survey: Survey, answers: Mapping[str, str]) -> list[SurveyField]:
    """Return the questions that are asked, given the answers so far."""
    return [field for field in survey.fields if field.is_asked(answers)]


def answers_from(inputs: Mapping[str, str], survey: Survey) -> dict[str, str]:
    """Return the answers a card sent, by field id."""
    given = {field.id: inputs.get(f"{PREFIX}{field.id}", "").strip() for field in survey.fields}
    return {identity: answer for identity, answer in given.items() if answer}


def has_further_questions(survey: Survey, answers: Mapping[str, str], shown: Collection[str]) -> bool:
    """Tell whether the answers ask for questions that the card did not show yet."""
    return any(field.id not in shown for field in asked(survey, answers))


def _field(field: SurveyField, answer: str) -> Document:
    label = f"{field.ask} *" if field.required else field.ask
    identity = f"{PREFIX}{field.id}"
    if field.type is FieldType.CHOICE:
        return choice_input(identity, label, [(one, one) for one in field.options], value=answer)
    return text_input(
        identity,
        label,
        value=answer,
        isMultiline=field.type is FieldType.LONG,
        maxLength=field.max_length,
        style=STYLES.get(field.type, "Text"),
    )
