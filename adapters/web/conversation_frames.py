"""Conversations and messages as frames: what a customer may see of them, and what staff see."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.web.frames import Json
from chatdesk.conversation import (
    AuthorKind,
    Conversation,
    DialogueState,
    Ended,
    Live,
    Message,
    Surveying,
    Ticketed,
    Visibility,
    Waiting,
)
from chatdesk.ticket import format_number


def message_json(message: Message, *, staff: bool) -> dict[str, Json]:
    """Return a message for a client; a customer is told which side speaks, never an internal id."""
    deleted = message.deleted_at is not None
    found: dict[str, Json] = {
        "seq": message.seq,
        "from": message.author.kind,
        "name": message.author.name,
        "text": "" if deleted else message.text,
        "at": message.at.isoformat(),
    }
    if message.changed != message.seq:
        found["changed"] = message.changed
        found["deleted" if deleted else "edited"] = True
    if message.files and not deleted:
        found["files"] = [
            {"id": file.id, "name": file.name, "type": file.media_type, "size": file.size}
            for file in message.files
        ]
    if staff:
        if message.author.kind is AuthorKind.AGENT:
            found["agent"] = message.author.id
        if message.visibility is Visibility.INTERNAL:
            found["internal"] = True
    return found


def visible(messages: Sequence[Message]) -> list[Message]:
    """Return the messages a customer may see [R38]."""
    return [message for message in messages if message.visibility is Visibility.PUBLIC]


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
            return {"phase": "waiting", "since": state.since.isoformat(), "until": state.until.isoformat()}
        case Live():
            return {"phase": "live", "agents": list(state.agents)}
        case Ticketed():
            promised = state.promised_at.isoformat() if state.promised_at else None
            return {"phase": "ticketed", "promised": promised, "may_wait": state.may_wait}
        case Ended():
            return {"phase": "ended", "at": state.at.isoformat()}
