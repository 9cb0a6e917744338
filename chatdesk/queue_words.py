"""What the desk says of the queue: the dialogue says it, and a report knows by it what became of a chat.

Nothing else keeps when a customer was waiting and why that ended, so that the two must not differ.
"""

from __future__ import annotations

from enum import StrEnum

NOBODY_CAME = "All technicians are busy. Keep waiting, or close this window:"
"""What a customer reads whom nobody took in time [R25]."""
CHAT_CLOSED = "Our chat has closed for now. You can close this window:"
"""The same, where the chat's hours ended meanwhile."""
LEFT = "You have left the queue:"
"""What a customer reads who did not want to wait."""
_PLACE = "You are number {} in the queue."
_JOINED = " from the help desk has joined."
_PLACE_BEGINS, _PLACE_ENDS = _PLACE.split("{}")


class QueueStep(StrEnum):
    """What happened to somebody who waits for a technician."""

    QUEUED = "queued"
    JOINED = "joined"
    NOBODY_CAME = "nobody came"
    LEFT = "left"


def say_place(place: int) -> str:
    """Say which place in the queue it is, counted from 1 [R24]."""
    return _PLACE.format(place)


def say_joined(name: str) -> str:
    """Say which technician is in the chat now."""
    return f"{name}{_JOINED}"


def queue_step(text: str) -> QueueStep | None:
    """Return what a message of the desk says of the queue, None where it speaks of something else."""
    if text.endswith(_JOINED):
        return QueueStep.JOINED
    if text.startswith((NOBODY_CAME, CHAT_CLOSED)):
        return QueueStep.NOBODY_CAME
    if text.startswith(LEFT):
        return QueueStep.LEFT
    _, begins, rest = text.partition(_PLACE_BEGINS)
    return QueueStep.QUEUED if begins and _PLACE_ENDS in rest else None
