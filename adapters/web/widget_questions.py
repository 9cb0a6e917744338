"""The questions that the chat's window asks, as data, and what it says above them [R23, R27]."""

from __future__ import annotations

from adapters.web.frames import Json
from adapters.web.phone_links import dialled
from chatdesk.survey import FieldType, Survey, SurveyField


def questions_json(survey: Survey) -> dict[str, Json]:
    """Return questions and the words on the button that sends the answers."""
    return {"submit": survey.submit, "fields": [_field(field) for field in survey.fields]}


def greeting(phone: str, opens: str | None, contact: str | None, *, is_open: bool) -> Json:
    """Return what stands above the survey, in pieces: a list of a tag, attributes if any, and pieces.

    ``opens`` says when the chat opens next, ``contact`` on which day a request is taken up, in words; None
    where nobody knows.
    """
    if is_open:
        return ["p", "Tell us what is happening and a technician will join you here."]
    opening = f" It opens on {opens}." if opens else ""
    day = f" on {contact}" if contact else ""
    follows = f"Send this form and it becomes a ticket at once. A technician will contact you{day}."
    words: list[Json] = ["div.notice", ["p", ["strong", "Our chat is closed now."], opening], ["p", follows]]
    if phone:
        link: Json = ["a", {"href": dialled(phone)}, phone]
        words.append(["p", "If work has stopped completely, call ", link, " now."])
    return words


def _field(field: SurveyField) -> Json:
    found: dict[str, Json] = {"id": field.id, "ask": field.ask, "type": field.type.value}
    if field.required:
        found["required"] = True
    if field.options:
        found["options"] = list(field.options)
    if field.when:
        found["when"] = {other: list(allowed) for other, allowed in field.when}
    if field.help:
        found["help"] = field.help
    return {**found, "max": field.max_length}


_TICKET_AND_CODE = Survey(
    "Continue",
    (
        SurveyField("ticket", "Ticket number", required=True, max_length=254),
        SurveyField("email", "E-mail address", FieldType.EMAIL, required=True, max_length=254),
        SurveyField("code", "Code", help="Leave this empty and we mail you one.", max_length=254),
    ),
)
FINDING: Json = {
    "open": True,
    "greeting": ["p", "Which ticket is it?"],
    "survey": questions_json(_TICKET_AND_CODE),
    "articles": [],
    "channels": [],
}
"""What takes the place of the same in the configuration for whoever has a ticket already [R19]."""
