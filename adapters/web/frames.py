"""The live protocol's frames [docs/protocol.md]: what a client may send, checked, and what it is sent."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import DecodeError, Meta, Struct
from msgspec.json import Decoder
from msgspec.json import encode as to_json

from chatdesk.computer import NAME

VERSION = 1
MAX_FRAME = 64 * 1024
"""Bytes of one frame."""
MAX_TEXT = 20_000
"""Characters of one message."""

ClientId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}\Z")]
Secret = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{32,128}\Z")]
Seq = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Text = Annotated[str, Meta(max_length=MAX_TEXT)]
Identity = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{0,64}\Z")]
FieldId = Annotated[str, Meta(max_length=64)]
Files = Annotated[tuple[Identity, ...], Meta(max_length=10)]
Named = Annotated[str, Meta(max_length=254)]
Answers = Annotated[dict[FieldId, Text], Meta(max_length=100)]
ComputerName = Annotated[str, Meta(pattern=rf"^(?:{NAME})?\Z")]


class Frame(Struct, frozen=True, forbid_unknown_fields=True, tag_field="t"):
    """What a client sends; ``t`` says which."""


class Hello(Frame, frozen=True, tag="hello"):
    """The first frame of a visitor: who, and what it has already.

    ``identity`` is the token of the page's own site; one that is too long is refused later, as any other.
    """

    v: int
    visitor: Secret
    conversation: Identity | None = None
    after: Seq = 0
    identity: str = ""


class Start(Frame, frozen=True, tag="start"):
    """The survey; with ``computer``, "" included, it comes from a managed computer's icon [R6]."""

    id: ClientId
    answers: Answers
    live: bool = True
    computer: ComputerName | None = None


class Send(Frame, frozen=True, tag="message"):
    id: ClientId
    text: Text = ""
    files: Files = ()
    conversation: Identity = ""
    internal: bool = False


class Edit(Frame, frozen=True, tag="edit"):
    id: ClientId
    seq: Seq
    text: Text
    conversation: Identity = ""


class Delete(Frame, frozen=True, tag="delete"):
    id: ClientId
    seq: Seq
    conversation: Identity = ""


class TypingFrame(Frame, frozen=True, tag="typing"):
    on: bool
    conversation: Identity = ""
    internal: bool = False


class Receipt(Frame, frozen=True, tag="receipt"):
    delivered: Seq = 0
    seen: Seq = 0
    conversation: Identity = ""


class Leave(Frame, frozen=True, tag="leave"):
    id: ClientId


class End(Frame, frozen=True, tag="end"):
    id: ClientId
    solved: bool = False


class Rate(Frame, frozen=True, tag="rate"):
    id: ClientId
    score: Annotated[int, Meta(ge=1, le=5)]
    comment: Text = ""


class Find(Frame, frozen=True, tag="find"):
    """A customer has a ticket already, and wants the code with which this browser goes on with it [R19]."""

    id: ClientId
    ticket: Named
    email: Named


class Join(Frame, frozen=True, tag="join"):
    """The code that came by mail."""

    id: ClientId
    ticket: Named
    email: Named
    code: Named


class Ping(Frame, frozen=True, tag="ping"):
    """A sign of life."""


class Watch(Frame, frozen=True, tag="watch"):
    """A technician follows a conversation from sequence number ``after`` on."""

    conversation: Identity
    after: Seq = 0


class Unwatch(Frame, frozen=True, tag="unwatch"):
    conversation: Identity


class WatchDesk(Frame, frozen=True, tag="watch_desk"):
    """A technician's page asks to be told when a list may have changed."""


VisitorFrame = Start | Find | Join | Send | Edit | Delete | TypingFrame | Receipt | Leave | End | Rate | Ping
StaffFrame = Watch | Unwatch | WatchDesk | Send | Edit | Delete | TypingFrame | Receipt | Ping

UNREADABLE = (DecodeError, RecursionError)
"""What the decoders raise for bytes that are no frame; ``explain`` says why."""

HELLO = Decoder(Hello)
VISITOR: Decoder[VisitorFrame] = Decoder(VisitorFrame)
STAFF: Decoder[StaffFrame] = Decoder(StaffFrame)

Json = str | int | bool | float | None | datetime | Struct | list["Json"] | dict[str, "Json"]
"""What is written as JSON: times as RFC 3339 in UTC, structs as objects."""


def encode(frame: dict[str, Json] | Struct) -> str:
    """Write a frame for the wire."""
    return to_json(frame).decode()


def error_frame(code: str, message: str, client_id: str | None = None, **more: Json) -> str:
    """Write an error frame: ``code`` for programs, ``message`` for people, ``id`` of the frame at fault."""
    frame: dict[str, Json] = {"t": "error", "code": code, "message": message, **more}
    if client_id is not None:
        frame["id"] = client_id
    return encode(frame)


def explain(error: Exception) -> str:
    """Say which field of a frame is at fault and why, without repeating what was sent."""
    reason, _, place = str(error).partition(" - at `$")
    if place == ".t`":
        return "t: There is no such frame."
    return f"{place.strip('.`') or 'frame'}: {reason}"
