"""The pre-chat survey as data: one definition for form, modal, card and plain text [R23]."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

_PHONE = re.compile(r"[0-9+()./,;#*xet \u2010-\u2013-]{4,}", re.IGNORECASE)


def is_phone(text: str) -> bool:
    """Tell whether text is one or more numbers that can be called, extensions among them."""
    return _PHONE.fullmatch(text) is not None and sum(map(str.isdigit, text)) >= 4


class FieldType(StrEnum):
    """What kind of answer a survey field takes."""

    TEXT = "text"
    LONG = "long"
    EMAIL = "email"
    PHONE = "phone"
    CHOICE = "choice"


class SurveyField(Struct, frozen=True):
    """One question. ``when`` maps another field's id to the answers for which this one is asked.

    ``max_length`` counts characters. A ``choice`` takes one of ``options`` and nothing else.
    """

    id: str
    ask: str
    type: FieldType = FieldType.TEXT
    required: bool = False
    options: tuple[str, ...] = ()
    when: tuple[tuple[str, tuple[str, ...]], ...] = ()
    help: str = ""
    max_length: int = 200

    def is_asked(self, answers: Mapping[str, str]) -> bool:
        """Tell whether this field is asked, given the answers to the fields it depends on."""
        return all(answers.get(field) in allowed for field, allowed in self.when)


class Survey(Struct, frozen=True):
    """The questions in the order asked, and the words on the button that sends them."""

    submit: str
    fields: tuple[SurveyField, ...]

    def field(self, field_id: str) -> SurveyField | None:
        """Return the field with that id, or None."""
        return next((field for field in self.fields if field.id == field_id), None)
