"""Reads a chat's messages in pieces by their numbers: however many they are, nobody waits for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from functools import lru_cache

from msgspec import DecodeError, Struct
from msgspec.json import Decoder

from chatdesk.conversation import (
    Author,
    AuthorKind,
    ConversationId,
    FileRef,
    Message,
    Visibility,
)
from storage.columns import Record
from storage.selecting import Selecting

PIECE = 1_000
"""Numbers read at a time, of messages and of changes: a millisecond of the event loop's, or little more.

A piece ends at a number and not after so many rows: PostgreSQL, where it knows little of a table yet, would
read and sort for each piece all that are left.
"""
_LINES = {
    "sqlite": "json_array(seq, author_kind, author_id, author_name, visibility, text, at, "
    "CASE files WHEN '[]' THEN NULL ELSE json(files) END, changed, edited_at, deleted_at)",
    "postgres": "json_build_array(seq, author_kind, author_id, author_name, visibility, text, at, "
    "CASE files WHEN '[]' THEN NULL ELSE files::json END, changed, edited_at, deleted_at)::text",
}
"""A message as JSON: the database writes it beside the interpreter, which decodes it faster than rows."""
_JOINED = {"sqlite": "group_concat(line)", "postgres": "string_agg(line, ',' ORDER BY seq)"}
"""A piece's lines. SQLite takes half as long for it as for an array of arrays, which it would parse again."""
_MESSAGES = """
    SELECT EXISTS (SELECT 1 FROM message WHERE conversation = ? AND seq > ?) AS more,
        '[' || COALESCE({joined}, '') || ']' AS messages
    FROM (SELECT seq, {line} AS line FROM message
        WHERE conversation = ? AND seq > ? AND seq <= ? ORDER BY seq) AS piece"""


class _Row(Struct, array_like=True, gc=False):
    """A message as ``_LINES`` has it."""

    seq: int
    kind: AuthorKind
    author: str
    name: str
    visibility: Visibility
    text: str
    at: datetime
    files: tuple[FileRef, ...] | None
    changed: int
    edited_at: datetime | None
    deleted_at: datetime | None


_DECODER = Decoder(list[_Row])


async def message_pieces(
    selecting: Selecting, dialect: str, conversation: ConversationId
) -> AsyncIterator[list[Message]]:
    """Yield a conversation's messages in their order, at most ``PIECE`` at a time; a piece may be empty.

    The next piece is read while the caller works on the one before. Raises StorageError when the database
    cannot be read, ValueError when a message cannot.
    """
    query = _MESSAGES.format(line=_LINES[dialect], joined=_JOINED[dialect])
    end = PIECE

    def begin() -> asyncio.Task[list[Record]]:
        values = (conversation, end, conversation, end - PIECE, end)
        return asyncio.ensure_future(selecting.one(query, *values))

    reading = begin()
    try:
        while True:
            (piece,) = await reading
            if piece["more"]:
                end += PIECE
                reading = begin()
            yield _decoded(conversation, piece["messages"])
            if not piece["more"]:
                return
    finally:
        reading.cancel()


def _decoded(conversation: ConversationId, messages: str) -> list[Message]:
    try:
        found = _DECODER.decode(messages)
    except DecodeError as error:
        raise ValueError(str(error)) from error
    return [
        Message(
            conversation,
            row.seq,
            _author(row.kind, row.author, row.name),
            row.visibility,
            row.text,
            row.at,
            row.files or (),
            row.changed,
            row.edited_at,
            row.deleted_at,
        )
        for row in found
    ]


@lru_cache(maxsize=1024)
def _author(kind: AuthorKind, identity: str, name: str) -> Author:
    return Author(kind, identity, name)
