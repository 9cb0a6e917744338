"""A visitor's frames as events."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict

from adapters.web import frames
from adapters.web.text import clean
from chatdesk.conversation import Author, AuthorKind, Conversation, ConversationId, FileRef
from chatdesk.errors import EventRefused
from chatdesk.events import (
    ConversationEvent,
    CustomerEnded,
    CustomerLeft,
    CustomerMessaged,
    CustomerRated,
    MessageDeleted,
    MessageEdited,
    ReceiptReported,
    SurveySubmitted,
)

CHANNEL = "web"


class Common(TypedDict):
    """What every event of a conversation has."""

    at: datetime
    channel: str
    external_id: str
    conversation: ConversationId


def survey_event(
    frame: frames.Start,
    common: Common,
    visitor: str,
    widget: str,
    vouched: tuple[tuple[str, str], ...] = (),
) -> SurveySubmitted:
    """Return the survey's event; ``common`` names the conversation that it opens."""
    answers = tuple((field, clean(answer)) for field, answer in frame.answers.items())
    computer = frame.computer or ""
    return SurveySubmitted(
        **common,
        visitor=visitor,
        widget=widget,
        answers=answers,
        live=frame.live,
        computer=computer,
        vouched=vouched,
    )


def message_event(
    frame: frames.Send, common: Common, visitor: str, files: tuple[FileRef, ...] = ()
) -> CustomerMessaged:
    """Return the message's event. Raises EventRefused when there is nothing in it."""
    text = clean(frame.text).strip()
    if not text and not files:
        raise EventRefused("Write a message first.", code="empty", field="text")
    return CustomerMessaged(**common, visitor=visitor, text=text, files=files)


def conversation_event(
    frame: frames.VisitorFrame, common: Common, conversation: Conversation
) -> ConversationEvent:
    """Return the event of any other frame about the visitor's own conversation.

    Raises EventRefused for one that is empty or means nothing here.
    """
    visitor = conversation.visitor
    author = Author(AuthorKind.CUSTOMER, visitor, conversation.customer_name)
    match frame:
        case frames.Edit():
            text = clean(frame.text).strip()
            if not text:
                raise EventRefused("Write a text, or delete the message.", code="empty", field="text")
            return MessageEdited(**common, by=author, seq=frame.seq, text=text)
        case frames.Delete():
            return MessageDeleted(**common, by=author, seq=frame.seq)
        case frames.Leave():
            return CustomerLeft(**common, visitor=visitor)
        case frames.End():
            return CustomerEnded(**common, visitor=visitor, solved=frame.solved)
        case frames.Rate():
            return CustomerRated(**common, visitor=visitor, score=frame.score, comment=clean(frame.comment))
        case frames.Receipt():
            return ReceiptReported(**common, by=author, delivered=frame.delivered, seen=frame.seen)
    raise EventRefused("This is not understood.", code="unknown")
