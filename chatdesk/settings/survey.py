"""[survey]: the questions before a chat; what is missing from them is told here, not to a customer [R23]."""

from __future__ import annotations

from chatdesk.settings import values
from chatdesk.settings.survey_rules import ALWAYS_REQUIRED, NEEDED, check_field, check_needed
from chatdesk.settings.table import Table
from chatdesk.survey import FieldType, Survey, SurveyField

LONGEST_ANSWER = {
    FieldType.TEXT: 200,
    FieldType.LONG: 4000,
    FieldType.EMAIL: 254,
    FieldType.PHONE: 100,
    FieldType.CHOICE: 200,
}
"""Characters an answer may have unless the file says otherwise, by type."""

_FIELD_ID = values.matching(r"[a-z][a-z0-9_]{0,31}", "a field id; write lower-case letters, digits and _")
_OPTIONS = values.sized(2, 100, values.unique(values.list_of(values.text(75))))
_ANSWERS = values.sized(1, 100, values.unique(values.list_of(values.text(75))))

DEFAULT_SURVEY = Survey(
    "Start chat",
    (
        SurveyField("name", "Your full name", FieldType.TEXT, True),
        SurveyField("company", "Company", FieldType.TEXT, True),
        SurveyField("email", "E-mail address", FieldType.EMAIL, True, max_length=254),
        SurveyField("phone", "Call-back number(s)", FieldType.PHONE, True, max_length=100),
        SurveyField(
            "impact", "Who is affected?", FieldType.CHOICE, options=("Only me", "Several people", "Everyone")
        ),
        SurveyField(
            "urgency", "Can you keep working?", FieldType.CHOICE, options=("Yes", "With difficulty", "No")
        ),
        SurveyField("issue", "What is happening?", FieldType.LONG, True, max_length=4000),
    ),
)


def read_survey(table: Table) -> Survey:
    """Read [survey]; without fields of its own the default questions are asked."""
    submit = table.read("submit", values.text(24), DEFAULT_SURVEY.submit)
    rows = table.tables("fields")
    table.finish()
    if not rows and table.values.get("fields") != []:
        return Survey(submit, DEFAULT_SURVEY.fields)
    fields: list[SurveyField] = []
    for row in rows:
        field = _field(row)
        check_field(row, field, fields)
        fields.append(field)
    check_needed(table, fields)
    return Survey(submit, tuple(fields))


def _field(row: Table) -> SurveyField:
    field_id = row.require("id", _FIELD_ID, "", '"device"')
    usual = NEEDED.get(field_id, (FieldType.TEXT,))[0]
    kind = row.read("type", values.member(FieldType), FieldType.CHOICE if "options" in row else usual)
    field = SurveyField(
        id=field_id,
        ask=row.require("ask", values.text(150), "", '"Which computer?"'),
        type=kind,
        required=row.read("required", values.boolean, field_id in ALWAYS_REQUIRED),
        options=row.read("options", _OPTIONS, ()),
        when=_condition(row.table("when")),
        help=row.read("help", values.text(300), ""),
        max_length=row.read("max_length", values.integer(1, 20_000), LONGEST_ANSWER[kind]),
    )
    row.finish()
    return field


def _condition(table: Table) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple((field_id, table.read(field_id, _ANSWERS, ())) for field_id in table.values)
