"""Mails that are one problem together: held back for one mailbox, or waiting long for their server."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby

from chatdesk.mail_address import counted
from chatdesk.outbox import HAD_ENOUGH, LONG_TRIED, MAIL_TARGET, WAITS_ITS_TURN
from storage.selecting import Selecting

MAX_ADDRESSES = 1_000
"""Addresses, each with its tags, that are looked at."""

_TO = {"sqlite": "json_extract(payload, '$.to')", "postgres": "payload::json->>'to'"}
_CAPPED = (
    'SELECT {to} AS recipient, count(*) AS mails, max("row") AS newest FROM delivery '
    f"WHERE status = 'failed' AND target = '{MAIL_TARGET}' AND error LIKE ? "
    f"GROUP BY recipient ORDER BY newest DESC LIMIT {MAX_ADDRESSES}"
)
_WAITING = (
    f'SELECT count(*) AS mails, max("row") AS newest FROM delivery '
    f"WHERE status = 'pending' AND target = '{MAIL_TARGET}' AND attempts >= {LONG_TRIED} AND error <> ?"
)


async def gathered_mails(selecting: Selecting, dialect: str) -> Mapping[int, int]:
    """Return the row of each mail that stands for others too, and for how many."""
    return {**await _capped(selecting, dialect), **await _waiting(selecting)}


async def _waiting(selecting: Selecting) -> Mapping[int, int]:
    """Return the newest of the mails that their server has not taken for long."""
    (found,) = await selecting.one(_WAITING, WAITS_ITS_TURN)
    return {int(found["newest"]): int(found["mails"]) - 1} if found["mails"] else {}


async def _capped(selecting: Selecting, dialect: str) -> Mapping[int, int]:
    """Return each mailbox's newest mail that was held back as it had enough."""
    found = await selecting.one(_CAPPED.format(to=_TO[dialect]), f"%{HAD_ENOUGH}")
    rows = sorted((counted(str(row["recipient"])), int(row["newest"]), int(row["mails"])) for row in found)
    mailboxes = (list(group) for _, group in groupby(rows, key=lambda row: row[0]))
    return {group[-1][1]: sum(mails for *_, mails in group) - 1 for group in mailboxes}
