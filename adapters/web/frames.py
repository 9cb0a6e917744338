"""The live protocol's frames [docs/protocol.md]: what a client may send, checked, and what it is sent."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError
from pydantic_core import to_json

VERSION = 1
MAX_FRAME = 64 * 1024
"""Bytes of one frame."""
MAX_TEXT = 20_000
"""Characters of one message."""

ClientId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Secret = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{32,128}$")]
Seq = Annotated[int, Field(ge=0, le=2**31 - 1)]
Text = Annotated[str, StringConstraints(max_length=MAX_TEXT)]
Identity = Annotated[str, StringConstraints(max_length=64)]
Files = Annotated[tuple[Identity, ...], Field(max_length=10)]


class Frame(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Hello(Frame):
    """The first frame of a visitor: who, and what it has already."""

    t: Literal["hello"]
    v: int
    visitor: Secret
    conversation: Identity | None = None
    after: Seq = 0


class Start(Frame):
    t: Literal["start"]
    id: ClientId
    answers: Annotated[dict[Identity, Text], Field(max_length=100)]
    live: bool = True


class Send(Frame):
    t: Literal["message"]
    id: ClientId
    text: Text = ""
    files: Files = ()
    conversation: Identity = ""
    internal: bool = False


class Edit(Frame):
    t: Literal["edit"]
    id: ClientId
    seq: Seq
    text: Text
    conversation: Identity = ""


class Delete(Frame):
    t: Literal["delete"]
    id: ClientId
    seq: Seq
    conversation: Identity = ""


class TypingFrame(Frame):
    t: Literal["typing"]
    on: bool
    conversation: Identity = ""
    internal: bool = False


class Receipt(Frame):
    t: Literal["receipt"]
    delivered: Seq = 0
    seen: Seq = 0
    conversation: Identity = ""


class Leave(Frame):
    t: Literal["leave"]
    id: ClientId


class End(Frame):
    t: Literal["end"]
    id: ClientId
    solved: bool = False


class Rate(Frame):
    t: Literal["rate"]
    id: ClientId
    score: Annotated[int, Field(ge=1, le=5)]
    comment: Text = ""


class Ping(Frame):
    t: Literal["ping"]


class Watch(Frame):
    """A technician follows a conversation from sequence number ``after`` on."""

    t: Literal["watch"]
    conversation: Identity
    after: Seq = 0


class Unwatch(Frame):
    t: Literal["unwatch"]
    conversation: Identity


class WatchDesk(Frame):
    """A technician's page asks to be told when a list may have changed."""

    t: Literal["watch_desk"]


VisitorFrame = Annotated[
    Start | Send | Edit | Delete | TypingFrame | Receipt | Leave | End | Rate | Ping,
    Field(discriminator="t"),
]
StaffFrame = Annotated[
    Watch | Unwatch | WatchDesk | Send | Edit | Delete | TypingFrame | Receipt | Ping,
    Field(discriminator="t"),
]

HELLO: TypeAdapter[Hello] = TypeAdapter(Hello)
VISITOR: TypeAdapter[VisitorFrame] = TypeAdapter(VisitorFrame)
STAFF: TypeAdapter[StaffFrame] = TypeAdapter(StaffFrame)

Json = str | int | bool | float | None | list["Json"] | dict[str, "Json"]


def encode(frame: dict[str, Json]) -> str:
    """Write a frame for the wire."""
    return to_json(frame).decode()


def error_frame(code: str, message: str, client_id: str | None = None, **more: Json) -> str:
    """Write an error frame: ``code`` for programs, ``message`` for people, ``id`` of the frame at fault."""
    frame: dict[str, Json] = {"t": "error", "code": code, "message": message, **more}
    if client_id is not None:
        frame["id"] = client_id
    return encode(frame)


def explain(error: ValidationError) -> str:
    """Say which field of a frame is at fault and why, without repeating what was sent."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(str(part) for part in first["loc"]) or "frame"
    return f"{place}: {first['msg']}"
