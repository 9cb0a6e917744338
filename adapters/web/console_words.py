"""What the console calls things that the record keeps under short names."""

from __future__ import annotations

from chatdesk.changes import TRANSCRIPT_SENT, HistoryEntry
from chatdesk.config import Config
from chatdesk.sender import STANDING
from chatdesk.ticket import Trigger


def question_words(config: Config, identity: str) -> str:
    """Return what an answer of a ticket answers: a question of the survey, or what the desk noted itself."""
    field = config.survey.field(identity)
    if field is not None:
        return field.ask
    return "Sender's address" if identity == STANDING else identity


def history_words(entry: HistoryEntry) -> tuple[str, str]:
    """Return what was done and why; of a transcript that left the desk which version, not in which form.

    What was passed to a tier names the tier: a ticket near its target "escalated", by itself [R37, R43].
    """
    if entry.what == Trigger.ESCALATE:
        tier, _, why = entry.why.partition(": ")
        return f"escalated to {tier}", why
    if entry.what != TRANSCRIPT_SENT:
        return entry.what, entry.why
    internal = entry.why.startswith("internal")
    return "saved the internal transcript" if internal else "saved the transcript", ""
