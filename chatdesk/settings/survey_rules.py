"""What the fields of a survey must fulfil together, so that a ticket can be made from the answers."""

from __future__ import annotations

from collections.abc import Sequence

from chatdesk.settings.table import Table
from chatdesk.settings.values import listed, shown, suggest
from chatdesk.survey import FieldType, SurveyField

NEEDED = {
    "name": (FieldType.TEXT,),
    "company": (FieldType.TEXT, FieldType.CHOICE),
    "email": (FieldType.EMAIL,),
    "phone": (FieldType.PHONE,),
    "issue": (FieldType.LONG,),
}
"""The fields every ticket is made from, with the types they may have [R30]."""

LONGEST = {"name": 300, "company": 300, "email": 254, "phone": 100}
"""Characters that a ticket holds of each; what is asked beside them is kept at any length."""

ALWAYS_REQUIRED = ("name", "email", "issue")
"""The fields without whose answers there is no ticket, or nobody to write to [R14]."""


def check_field(row: Table, field: SurveyField, earlier: Sequence[SurveyField]) -> None:
    """Note what is wrong with one field, given those before it."""
    if field.id and any(field.id == other.id for other in earlier):
        row.note("id", f"{shown(field.id)} is the id of an earlier field; give each its own.")
    _check_type(row, field)
    if field.id in ALWAYS_REQUIRED and not field.required:
        row.note("required", f"false does not suit {field.id}; a ticket cannot be made without it.")
    if field.id in ALWAYS_REQUIRED and field.when:
        row.note("when", f"{field.id} is always asked; leave the condition out.")
    choices = {other.id: other for other in earlier if other.type is FieldType.CHOICE}
    for field_id, answers in field.when:
        _check_condition(row.table("when"), field_id, answers, choices)


def check_needed(table: Table, fields: Sequence[SurveyField]) -> None:
    """Note the fields that every survey needs and this one lacks."""
    known = {field.id for field in fields}
    missing = [field_id for field_id in NEEDED if field_id not in known]
    # A field whose id could not be read may be the one that seems to be missing.
    if missing and "" not in known:
        what, them = ("a field", "it") if len(missing) == 1 else ("fields", "them")
        table.note(
            "fields",
            f"{what} with the id {listed(missing, 'and')} must be there; every ticket is made from {them}.",
        )


def _check_type(row: Table, field: SurveyField) -> None:
    allowed = NEEDED.get(field.id, tuple(FieldType))
    if field.type not in allowed:
        row.note("type", f"{shown(field.type.value)} does not suit {field.id}; write {listed(allowed)}.")
    elif field.type is not FieldType.CHOICE and "options" in row:
        row.note("options", f'only a choice has options; this field is "{field.type}".')
    elif field.type is FieldType.CHOICE and "options" not in row:
        row.note("options", 'is missing; write the answers of this choice, such as ["Yes", "No"].')
    elif field.type is FieldType.CHOICE and "max_length" in row:
        row.note("max_length", "a choice takes one of its options; leave the length out.")
    elif field.max_length > LONGEST.get(field.id, field.max_length):
        found = f"{field.max_length} is more than {field.id} can have"
        row.note("max_length", f"{found}; write at most {LONGEST[field.id]}.")


def _check_condition(
    when: Table, field_id: str, answers: Sequence[str], choices: dict[str, SurveyField]
) -> None:
    if field_id not in choices:
        hint = suggest(field_id, choices)
        when.note(
            field_id,
            f"is not an earlier choice field; those are {listed(choices, 'and')}.{hint}",
        )
        return
    options = choices[field_id].options
    for answer in answers:
        if options and answer not in options:
            hint = suggest(answer, options)
            when.note(
                field_id, f"{shown(answer)} is not an option of {field_id}; write {listed(options)}.{hint}"
            )
