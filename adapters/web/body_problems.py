"""What is wrong with a request's body, in the desk's own words: each problem names its field."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import ValidationError

NAMES = {
    "id": "the request's id",
    "agent": "the technician",
    "reason": "the reason",
    "on": "what the ticket waits for",
    "text": "the text",
    "until": "the date",
    "resolution": "how it was solved",
    "into": "the ticket's number",
    "other_company": "whether the other company is meant",
    "conversation": "the conversation",
    "messages": "the messages",
    "subject": "the subject",
    "priority": "the priority",
    "type": "the type",
    "workaround": "the workaround",
    "needed_by": "the date",
    "way": "how it came",
    "answers": "the answer",
}
"""Fields as people call them; of an answer to the survey the first part of its place counts."""

_WORDS = {
    "missing": "Fill in {name}.",
    "string_too_short": "Fill in {name}.",
    "string_too_long": "{Name} has too many characters: at most {max_length:,} fit.",
    "too_long": "{Name} are too many: at most {max_length:,} fit.",
    "extra_forbidden": "{field} is no field of this request.",
    "enum": "Choose {name} from the list.",
    "literal_error": "Choose {name} from the list.",
    "json_invalid": "What was sent cannot be read.",
}
_DATE = "Write {name} as a date with a time."
_OTHER = "{Name} cannot be used as it was sent."


def body_problems(error: ValidationError) -> dict[str, str]:
    """Return what is wrong by field: of a list for the whole of it, of an answer as "answers.issue".

    What is wrong with the body itself stands under "body".
    """
    problems: dict[str, str] = {}
    for found in error.errors(include_url=False, include_input=False):
        field = ".".join(part for part in found["loc"] if isinstance(part, str)) or "body"
        limits = {name: value for name, value in found.get("ctx", {}).items() if isinstance(value, int)}
        problems.setdefault(field, _words(found["type"], field, limits))
    return problems


def _words(kind: str, field: str, limits: Mapping[str, int]) -> str:
    name = NAMES.get(field.partition(".")[0], field)
    other = _DATE if kind.startswith(("datetime", "timezone")) else _OTHER
    words = _WORDS.get(kind, other)
    return words.format(name=name, Name=f"{name[:1].upper()}{name[1:]}", field=field, **limits)
