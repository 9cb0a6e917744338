"""Hands events to the desk and tells the client what became of them: after the commit, never before."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import structlog
from msgspec import Struct

from adapters.web.frames import Json, encode, error_frame
from chatdesk.desk import Desk
from chatdesk.errors import DeskStopped, EventRefused, StorageError
from chatdesk.events import AnyEvent, Outcome

log = structlog.get_logger(__name__)


class Ack(Struct, frozen=True, tag_field="t", tag="ack"):
    """What ``id`` named is stored; ``seq`` is the conversation's highest number then."""

    id: str
    seq: int


class Submission:
    """One client's events on their way through the desk; ``send`` takes encoded frames and never waits."""

    __slots__ = (
        "_desk",
        "_send",
    )

    def __init__(self, desk: Desk, send: Callable[[str], None]) -> None:
        self._desk = desk
        self._send = send

    def submit(
        self,
        event: AnyEvent,
        client_id: str | None,
        then: Callable[[Outcome | None], None] | None = None,
    ) -> None:
        """Queue the event; ack or error goes to the client under ``client_id``, if it gave one.

        ``then`` is called after that, with None when the event was not accepted.
        """

        self._desk.take(event, partial(self._told, client_id, then))

    def refuse(self, error: Exception, client_id: str) -> None:
        """Tell the client that nothing came of what it sent under ``client_id``, and why."""
        self._send(_explain(error, client_id))

    def _told(
        self,
        client_id: str | None,
        then: Callable[[Outcome | None], None] | None,
        result: Outcome | Exception,
    ) -> None:
        outcome = result if isinstance(result, Outcome) else None
        if client_id is not None:
            if isinstance(result, Outcome):
                self._send(encode(Ack(client_id, result.seq)))
            else:
                self.refuse(result, client_id)
        if then is not None:
            then(outcome)


def _explain(error: BaseException, client_id: str) -> str:
    match error:
        case EventRefused():
            more: dict[str, Json] = {}
            problems = getattr(error, "problems", None)
            if problems:
                more["fields"] = dict(problems)
            elif error.field:
                more["field"] = error.field
            return error_frame(error.code, str(error), client_id, **more)
        case StorageError():
            text = "This could not be saved just now. It is sent again by itself."
            return error_frame("try_again", text, client_id)
        case DeskStopped():
            return error_frame(
                "try_again", "The desk is restarting. This is sent again by itself.", client_id
            )
    log.error("submission_failed", error=repr(error))
    return error_frame("failed", "Something went wrong at the desk. Please try again.", client_id)
