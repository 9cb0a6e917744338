"""Mails that were held back as their address had enough: one entry a mailbox, so that a flood is one."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby

from chatdesk.mail_address import counted
from chatdesk.outbox import HAD_ENOUGH, MAIL_TARGET
from storage.selecting import Selecting

MAX_ADDRESSES = 1_000
"""Addresses, each with its tags, that are looked at."""

_TO = {"sqlite": "json_extract(payload, '$.to')", "postgres": "payload::json->>'to'"}
_CAPPED = (
    'SELECT {to} AS recipient, count(*) AS mails, max("row") AS newest FROM delivery '
    f"WHERE status = 'failed' AND target = '{MAIL_TARGET}' AND error LIKE ? "
    f"GROUP BY recipient ORDER BY newest DESC LIMIT {MAX_ADDRESSES}"
)


async def capped_mails(selecting: Selecting, dialect: str) -> Mapping[int, int]:
    """Return the row of each mailbox's newest mail that was held back, and how many more there are."""
    found = await selecting.one(_CAPPED.format(to=_TO[dialect]), f"%{HAD_ENOUGH}")
    rows = sorted((counted(str(row["recipient"])), int(row["newest"]), int(row["mails"])) for row in found)
    mailboxes = (list(group) for _, group in groupby(rows, key=lambda row: row[0]))
    return {group[-1][1]: sum(mails for *_, mails in group) - 1 for group in mailboxes}
