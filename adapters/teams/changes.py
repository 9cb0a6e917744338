"""Edits, deletions and reactions in Teams, followed in the desk."""

from __future__ import annotations

import hashlib

from adapters.teams.memory import Source
from adapters.teams.people import visitor_of
from adapters.teams.services import CHANNEL
from adapters.teams.ticket_facts import read_message
from adapters.teams.turn import Turn
from chatdesk.conversation import Author, AuthorKind, ConversationId, Visibility
from chatdesk.errors import EventRefused
from chatdesk.events import MessageDeleted, MessageEdited, Outcome
from chatdesk.note_mark import is_note, without_note_mark

LOOK_BACK = 6
"""Messages that one event can have added to a conversation, at most."""


async def remember(turn: Turn, outcome: Outcome, author: str) -> None:
    """Note which message the activity became: an edit names only the activity.

    Also when the activity is repeated: the first time may have ended between the commit and this note.
    """
    memory, place, activity = turn.services.memory, turn.incoming.place, turn.incoming.id
    if outcome.conversation is None:
        return
    if outcome.repeated and await memory.source(place, activity) is not None:
        return
    reads = turn.services.staff_reads
    added = await reads.messages(outcome.conversation, max(0, outcome.seq - LOOK_BACK))
    own = [one for one in added if one.author.id == author and one.seq <= outcome.seq]
    if own:
        newest = max(own, key=lambda message: message.seq)
        internal = newest.visibility is Visibility.INTERNAL
        await memory.keep_source(place, activity, Source(outcome.conversation, newest.seq, internal))


async def follow(turn: Turn) -> None:
    """Change or delete the message that the activity became. Raises StorageError to be called again.

    Only who wrote it can: the core refuses everybody else, and nothing is said of it.
    """
    source = await turn.services.memory.source(turn.incoming.place, turn.incoming.id)
    if source is None:
        return
    event = _event(turn, source)
    if isinstance(event, MessageEdited) and await _says_so_already(turn, event):
        return
    try:
        _ = await turn.services.desk.receive(event)
    except EventRefused:
        return


async def _says_so_already(turn: Turn, edit: MessageEdited) -> bool:
    """Teams tells of a change also when only a preview of a link was added."""
    message = await read_message(turn.services, edit.conversation, edit.seq)
    return message is not None and message.text == edit.text


def _event(turn: Turn, source: Source) -> MessageEdited | MessageDeleted:
    incoming = turn.incoming
    conversation = ConversationId(source.conversation)
    at, by = turn.services.clock(), _author(turn)
    becomes_note = turn.agent is not None and is_note(incoming.text) and not source.internal
    # A public message that is made a note afterwards is taken back: it must not go out with the mark cut off.
    if incoming.type == "messageDelete" or becomes_note:
        key = f"{incoming.key}/deleted"
        return MessageDeleted(
            at=at, channel=CHANNEL, external_id=key, conversation=conversation, by=by, seq=source.seq
        )
    text = without_note_mark(incoming.text) if turn.agent else incoming.text
    key = f"{incoming.key}/edited/{_version(turn)}"
    return MessageEdited(
        at=at, channel=CHANNEL, external_id=key, conversation=conversation, by=by, seq=source.seq, text=text
    )


def _author(turn: Turn) -> Author:
    if turn.agent is not None:
        return turn.agent.author
    person = turn.incoming.person
    return Author(AuthorKind.CUSTOMER, visitor_of(person), person.name)


def _version(turn: Turn) -> str:
    """Tell one edit of a message from the next; a repetition of the same edit has the same words."""
    stamp = turn.incoming.raw.get("timestamp") or turn.incoming.raw.get("localTimestamp")
    return str(stamp or hashlib.sha256(turn.incoming.text.encode()).hexdigest())
