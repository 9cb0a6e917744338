"""Conversations and messages as frames: what a customer may see of them, and what staff see."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from adapters.web.frames import Json
from chatdesk.conversation import (
    AuthorKind,
    Conversation,
    DialogueState,
    Ended,
    FileRef,
    Live,
    Message,
    Surveying,
    Ticketed,
    Visibility,
    Waiting,
)
from chatdesk.ticket import format_number

_PUBLIC, _INTERNAL, _AGENT = Visibility.PUBLIC, Visibility.INTERNAL, AuthorKind.AGENT
"""Each message is compared with them; the attribute of an enumeration takes as long as the rest of that."""


class FileFrame(Struct, frozen=True):
    """A file as a client is told of it."""

    id: str
    name: str
    type: str
    size: int


class MessageFrame(Struct, frozen=True, omit_defaults=True, rename={"sender": "from"}):
    """A message as a client is told of it; what is as usual is left out."""

    seq: int
    sender: AuthorKind
    name: str
    text: str
    at: datetime
    changed: int = 0
    deleted: bool = False
    edited: bool = False
    files: tuple[FileFrame, ...] = ()
    agent: str = ""
    internal: bool = False


def message_frame(message: Message, *, staff: bool) -> MessageFrame:
    """Return a message for a client; a customer is told which side speaks, never an internal id."""
    author = message.author
    deleted = message.deleted_at is not None
    changed = message.changed != message.seq
    return MessageFrame(
        message.seq,
        author.kind,
        author.name,
        "" if deleted else message.text,
        message.at,
        message.changed if changed else 0,
        changed and deleted,
        changed and not deleted,
        tuple(map(_file_frame, message.files)) if message.files and not deleted else (),
        author.id if staff and author.kind is _AGENT else "",
        staff and message.visibility is _INTERNAL,
    )


def visible(messages: Sequence[Message]) -> list[Message]:
    """Return the messages a customer may see [R38]."""
    return [message for message in messages if message.visibility is _PUBLIC]


def state_json(conversation: Conversation, prefix: str, *, customer: bool) -> dict[str, Json]:
    """Return where the dialogue stands; receipts are the other side's, as the asker needs them."""
    receipts = conversation.receipts
    theirs = (
        (receipts.staff_delivered, receipts.staff_seen)
        if customer
        else (receipts.customer_delivered, receipts.customer_seen)
    )
    own_seen = receipts.customer_seen if customer else receipts.staff_seen
    return {
        **_phase(conversation.state),
        "ticket": format_number(prefix, conversation.ticket) if conversation.ticket else None,
        "delivered": theirs[0],
        "seen": theirs[1],
        "read": own_seen,
        "rating": conversation.rating,
    }


def _phase(state: DialogueState) -> dict[str, Json]:
    match state:
        case Surveying():
            return {"phase": "surveying"}
        case Waiting():
            return {"phase": "waiting", "since": state.since, "until": state.until}
        case Live():
            return {"phase": "live", "agents": list(state.agents)}
        case Ticketed():
            promise: dict[str, Json] = {"promised": state.promised_at, "earliest": state.earliest}
            return {"phase": "ticketed", **promise, "may_wait": state.may_wait}
        case Ended():
            return {"phase": "ended", "at": state.at}


def _file_frame(file: FileRef) -> FileFrame:
    return FileFrame(file.id, file.name, file.media_type, file.size)
