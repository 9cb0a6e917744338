"""The one error tree: everything chatdesk raises on purpose descends from ChatdeskError."""

from __future__ import annotations


class ChatdeskError(Exception):
    """Base of every error that chatdesk raises on purpose; its text is fit to be shown."""


class ConfigurationError(ChatdeskError):
    """The desk's file or environment cannot be used; the text names the key, the finding and the fix."""


class InvalidDuration(ChatdeskError, ValueError):
    """A text is not a duration such as 15m, 2h, 1d or 5bd."""


class InvalidCalendar(ChatdeskError, ValueError):
    """A calendar's days, windows or holidays cannot be understood."""


class EventRefused(ChatdeskError):
    """An event cannot be carried out in the present state; nothing was changed.

    ``code`` is a short, stable word for programs; ``field`` names the input at fault, if one is.
    """

    def __init__(self, message: str, *, code: str = "refused", field: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.field = field


class TransitionRefused(EventRefused):
    """A ticket cannot take the attempted step from the state it is in."""

    def __init__(self, status: str, attempted: str) -> None:
        super().__init__(f"A ticket that is {status} cannot be {attempted}.", code="transition")
        self.status = status
        self.attempted = attempted


class NotFound(EventRefused):
    """What was asked for does not exist, or the asker may not know that it does."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} was not found.", code="not_found")


class StorageError(ChatdeskError):
    """The database cannot do what was asked of it."""


class DatabaseUnavailable(StorageError):
    """The database server cannot be used now: it restarts, failed over, or cannot be reached.

    Whether a commit under way took effect is not known; the same events may be sent again.
    """


class DatabaseTooNew(StorageError):
    """The database was made by a newer chatdesk than this program."""


class ConcurrentChange(StorageError):
    """Another writer changed the same record first; the work can be tried again."""


class LeaseLost(StorageError):
    """Another node does the work by now that this write belongs to; nothing was written."""


class NotRemembered(StorageError):
    """What is asked for is not at hand and has to be read from the database first."""


class DeskStopped(ChatdeskError):
    """The desk is stopping and takes no more events."""


class DeliveryError(ChatdeskError):
    """A delivery did not succeed."""


class DeliveryDelayed(DeliveryError):
    """The other side cannot take the delivery now; it did not happen and may be tried again.

    ``retry_after`` is the wait in seconds that the other side asked for, if it did.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class DeliveryWaits(DeliveryDelayed):
    """This side is busy with other deliveries; nothing was attempted, and it is never given up for that.

    In about ``seconds`` it may be its turn.
    """

    def __init__(self, message: str, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds


class DeliveryRefused(DeliveryError):
    """The other side will never take the delivery; a person has to look at it."""


class DeliveryUnknown(DeliveryError):
    """Whether the delivery happened cannot be told; it must not be repeated blindly."""
