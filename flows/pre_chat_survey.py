"""The pre-chat survey: checks answers against the questions, the same for form, modal, card or text."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from chatdesk.errors import EventRefused
from chatdesk.mail_address import ascii_domain, has_stray_dot
from chatdesk.survey import FieldType, Survey, SurveyField, is_phone

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_EMAIL = re.compile(
    rf"[^\s@<>()\[\],;:\"\\]{{1,64}}@(?:{_LABEL}\.)+(?:[A-Za-z]{{2,63}}|xn--[A-Za-z0-9-]{{1,59}})"
)


class SurveyRefused(EventRefused):
    """Some answers cannot be taken; ``problems`` maps a field's id to what to do about it."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("Please check the marked fields.", code="survey", field=next(iter(problems)))
        self.problems = dict(problems)


def check_answers(survey: Survey, answers: Mapping[str, str]) -> dict[str, str]:
    """Return the answers cleaned, by field id in the survey's order; unasked and empty ones are left out.

    Raises SurveyRefused, naming every field at fault and the fix. White space alone is no answer.
    """
    cleaned: dict[str, str] = {}
    problems: dict[str, str] = {}
    for field in survey.fields:
        if field.when and not field.is_asked(cleaned):
            continue
        answer = tidy(answers.get(field.id, ""), keep_lines=field.type is FieldType.LONG)
        problem = find_problem(field, answer)
        if problem:
            problems[field.id] = problem
        elif answer:
            cleaned[field.id] = answer
    if problems:
        raise SurveyRefused(problems)
    return cleaned


def find_problem(field: SurveyField, answer: str) -> str:
    """Return what is wrong with a tidied answer and how to mend it, or "" when it can be taken."""
    if not answer:
        return "Please fill in this field." if field.required else ""
    if len(answer) > field.max_length:
        return f"Please shorten this to {field.max_length:,} characters; it has {len(answer):,}."
    fits, how_to_mend = _KINDS.get(field.type, _ANY)
    return "" if fits(field, answer) else how_to_mend


def tidy(text: str, *, keep_lines: bool = False) -> str:
    """Return text without control characters and outer white space; line breaks only where kept.

    A text of which nothing would be seen comes back empty.
    """
    if text.isascii() and text.isprintable():
        # As nearly all answers are; character by character takes a hundred times as long.
        return text.strip()
    allowed = "\n\t" if keep_lines else ""
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    kept = (char if char.isprintable() or char in allowed else _replacement(char) for char in plain)
    tidied = "".join(kept).strip()
    return "" if all(char.isspace() or char in _BLANK for char in tidied) else tidied


def is_email(text: str) -> bool:
    """Tell whether text is one plain e-mail address, without line breaks or a display name.

    Its domain may be an international one, in either of its forms.
    """
    local, at, domain = text.partition("@")
    try:
        plain = text if domain.isascii() else f"{local}{at}{ascii_domain(domain)}"
    except UnicodeError:
        return False
    return (
        max(len(text), len(plain)) <= 254 and not has_stray_dot(text) and _EMAIL.fullmatch(plain) is not None
    )


_Kind = tuple[Callable[[SurveyField, str], bool], str]
_KINDS: Mapping[FieldType, _Kind] = {
    FieldType.EMAIL: (
        lambda _, answer: is_email(answer),
        "Please enter an e-mail address such as dana@example.com.",
    ),
    FieldType.PHONE: (lambda _, answer: is_phone(answer), "Please enter a phone number such as 555-0134."),
    FieldType.CHOICE: (lambda field, answer: answer in field.options, "Please choose one of the answers."),
}
"""Which answers each kind of field takes, and how to mend others."""
_ANY: _Kind = (lambda _field, _answer: True, "")


_INVISIBLE_KEPT = frozenset("\u200c\u200d\u200e\u200f") | {chr(tag) for tag in range(0xE0020, 0xE0080)}
"""Joiners, direction marks and flag tags: scripts and emoji need them to be written properly."""

_BLANK = _INVISIBLE_KEPT | frozenset("\u115f\u1160\u2800\u3164\ufe0e\ufe0f\uffa0")
"""Characters that show nothing: an answer of them alone is no answer."""


def _replacement(char: str) -> str:
    if char in _INVISIBLE_KEPT:
        return char
    return " " if char.isspace() else ""
