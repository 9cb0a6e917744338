"""The parts cards are made of. Text from outside goes into text runs, which show it as it is: no markup."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime

from adapters.teams.json_value import Document
from chatdesk.config import Config
from chatdesk.maintenance import announced_in_chat

CARD_TYPE = "application/vnd.microsoft.card.adaptive"
SCHEMA = "http://adaptivecards.io/schemas/adaptive-card.json"
MAX_CARD = 28_000
"""Bytes a card may have in Teams, less a little."""


def card(body: Sequence[Document], actions: Sequence[Document] = ()) -> Document:
    """Return an adaptive card; parts at the end of ``body`` are left out if it would become too large."""
    parts = list(body)
    while True:
        made: Document = {
            "$schema": SCHEMA,
            "type": "AdaptiveCard",
            "version": "1.5",
            "body": parts,
            "actions": list(actions),
        }
        if size(made) <= MAX_CARD or len(parts) <= 1:
            return made
        parts = parts[:-1]


def size(document: Document) -> int:
    """Return the bytes the document takes as JSON."""
    return len(json.dumps(document).encode())


def digest(document: Document) -> str:
    """Return what tells whether an activity would show something else."""
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:32]


def attachment(content: Document) -> Document:
    """Return the card as an attachment of an activity."""
    return {"contentType": CARD_TYPE, "content": content}


def card_message(content: Document, summary: str) -> Document:
    """Return an activity that shows the card; ``summary`` is what notifications say."""
    return {"type": "message", "attachments": [attachment(content)], "summary": summary}


def text_message(text: str) -> Document:
    """Return an activity with plain text: no markup, no mentions [threat 14]."""
    return {"type": "message", "text": text, "textFormat": "plain"}


def heading(text: str) -> Document:
    """Return a line that stands out."""
    return _runs([{"type": "TextRun", "text": text, "weight": "Bolder", "size": "Medium"}])


def line(text: str, *, subtle: bool = False, colour: str = "Default") -> Document:
    """Return a paragraph of plain text."""
    return _runs([{"type": "TextRun", "text": text, "isSubtle": subtle, "color": colour}])


def maintenance_notes(config: Config, at: datetime) -> list[Document]:
    """Return what is said of the desk's maintenance at ``at`` (aware), a line each [R47]."""
    return [line(text, colour="Warning") for text in announced_in_chat(config, at)]


def fact(label: str, value: str) -> Document:
    """Return a label and its value on one line."""
    mark = " " if label.endswith(("?", ".", "!", ":")) else ": "
    return _runs(
        [
            {"type": "TextRun", "text": f"{label}{mark}", "isSubtle": True},
            {"type": "TextRun", "text": value},
        ],
        spacing="Small",
    )


def side_by_side(*parts: Document) -> Document:
    """Return the parts in columns of the same width."""
    columns = [{"type": "Column", "width": "stretch", "items": [part]} for part in parts]
    return {"type": "ColumnSet", "columns": columns, "spacing": "Small"}


def _runs(inlines: Sequence[Document], spacing: str = "Default") -> Document:
    return {"type": "RichTextBlock", "inlines": list(inlines), "spacing": spacing}


def text_input(identity: str, label: str, **more: object) -> Document:
    """Return a text field; ``more`` are further properties of Input.Text."""
    return {"type": "Input.Text", "id": identity, "label": label, **more}


def choice_input(identity: str, label: str, options: Sequence[tuple[str, str]], **more: object) -> Document:
    """Return a choice among (value, title) pairs."""
    choices = [{"value": value, "title": title} for value, title in options]
    return {"type": "Input.ChoiceSet", "id": identity, "label": label, "choices": choices, **more}


def execute(title: str, verb: str, **data: object) -> Document:
    """Return a button that calls the bot (Universal Action)."""
    return {"type": "Action.Execute", "title": title, "verb": verb, "data": data}


def show(title: str, body: Sequence[Document], action: Document) -> Document:
    """Return a button that opens a box with fields and a button of its own."""
    opened = {"type": "AdaptiveCard", "body": list(body), "actions": [action]}
    return {"type": "Action.ShowCard", "title": title, "card": opened}
