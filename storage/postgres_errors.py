"""What the errors of PostgreSQL's driver mean to those who call it.

Whatever is the server's fault (stopped, restarting, out of connections, a standby that only reads, one that
takes no connections) is raised as DatabaseUnavailable, so that callers wait and try again; a row that another
node was faster with is ConcurrentChange.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
from tortoise.exceptions import IntegrityError, OperationalError

from chatdesk.errors import ConcurrentChange, DatabaseUnavailable

_CONFLICTS = (
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.LockNotAvailableError,
    # How a batch written from memory says that another node was faster [all_or_nothing_sql].
    asyncpg.DivisionByZeroError,
)
_UNAVAILABLE = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.InternalClientError,
    asyncpg.PostgresSystemError,
    OSError,
    TimeoutError,
)


async def translated(call: Callable[..., Awaitable[Any]], *arguments: Any, **named: Any) -> Any:
    """Await a call to the driver; raise what goes wrong as errors that callers know.

    A value that no database could take keeps the driver's own error: the record is at fault then.
    """
    try:
        return await call(*arguments, **named)
    except _CONFLICTS as error:
        raise ConcurrentChange(str(error)) from error
    except asyncpg.IntegrityConstraintViolationError as error:
        raise IntegrityError(error) from error
    except _UNAVAILABLE as error:
        raise DatabaseUnavailable(_said(error)) from error
    except (asyncpg.DataError, ValueError):
        raise
    except asyncpg.PostgresError as error:
        raise OperationalError(error) from error
    except asyncpg.InterfaceError as error:
        # The driver's word for a connection that was closed under it.
        raise DatabaseUnavailable(_said(error)) from error


async def connected(call: Callable[..., Awaitable[Any]], *arguments: Any, **named: Any) -> Any:
    """Await a call that connects; whatever the server refuses it for is waited out as DatabaseUnavailable.

    A server says in many ways that it takes no connections at the moment: its rules for hosts do not name
    this one, the database is being renamed or copied, or a password is being changed.
    """
    try:
        return await call(*arguments, **named)
    except ValueError:
        # The address cannot be read.
        raise
    except (asyncpg.PostgresError, asyncpg.InterfaceError, *_UNAVAILABLE) as error:
        raise DatabaseUnavailable(_said(error)) from error


def _said(error: BaseException) -> str:
    return f"PostgreSQL cannot be used now: {str(error) or type(error).__name__}"
