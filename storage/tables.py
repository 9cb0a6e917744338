"""The tables that batches write, as plain statements need them; a test holds them to the models.

Reading this from the models would import the ORM, which a start can do without [storage/orm.py].
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

TEXT, INT, BIGINT, BOOLEAN, TIME = "text", "int", "bigint", "boolean", "timestamptz"
"""PostgreSQL's types; SQLite needs none."""


class Table(NamedTuple):
    """A table's key, and the type of each column in the order of a row, without keys the database makes."""

    name: str
    key: str
    columns: Mapping[str, str]

    def __hash__(self) -> int:
        return hash(self.name)


CONVERSATION = Table(
    "conversation",
    key="id",
    columns={
        "id": TEXT,
        "channel": TEXT,
        "visitor": TEXT,
        "customer_name": TEXT,
        "widget": TEXT,
        "company_id": TEXT,
        "ticket": BIGINT,
        "flow": TEXT,
        "flow_version": INT,
        "state": TEXT,
        "state_data": TEXT,
        "opened_at": TIME,
        "changed_at": TIME,
        "last_seq": INT,
        "customer_delivered": INT,
        "customer_seen": INT,
        "staff_delivered": INT,
        "staff_seen": INT,
        "rating": INT,
        "opened_with": BIGINT,
        "open_key": TEXT,
        "version": INT,
    },
)
MESSAGE = Table(
    "message",
    key="row",
    columns={
        "conversation": TEXT,
        "seq": INT,
        "author_kind": TEXT,
        "author_id": TEXT,
        "author_name": TEXT,
        "visibility": TEXT,
        "text": TEXT,
        "at": TIME,
        "files": TEXT,
        "changed": INT,
        "edited_at": TIME,
        "deleted_at": TIME,
    },
)
REVISION = Table(
    "revision",
    key="row",
    columns={
        "conversation": TEXT,
        "seq": INT,
        "changed": INT,
        "author_kind": TEXT,
        "author_id": TEXT,
        "author_name": TEXT,
        "at": TIME,
        "before": TEXT,
        "deleted": BOOLEAN,
    },
)
TICKET = Table(
    "ticket",
    key="number",
    columns={
        "number": BIGINT,
        "status": TEXT,
        "type": TEXT,
        "priority": TEXT,
        "subject": TEXT,
        "channel": TEXT,
        "opened_at": TIME,
        "changed_at": TIME,
        "requester_name": TEXT,
        "requester_email": TEXT,
        "requester_phone": TEXT,
        "company": TEXT,
        "answers": TEXT,
        "assignee": TEXT,
        "tier": TEXT,
        "promised_at": TIME,
        "due_at": TIME,
        "waiting_until": TIME,
        "needed_by": TIME,
        "first_response_at": TIME,
        "resolved_at": TIME,
        "resolution": TEXT,
        "workaround": TEXT,
        "merged_into": BIGINT,
        "linked_to": BIGINT,
        "priority_confirmed": BOOLEAN,
        "active": BOOLEAN,
        "version": INT,
    },
)
AFFECTED = Table(
    "affected",
    key="row",
    columns={
        "ticket": BIGINT,
        "mailbox": TEXT,
        "address": TEXT,
        "name": TEXT,
        "known_as": BIGINT,
    },
)
HISTORY = Table(
    "history",
    key="row",
    columns={
        "ticket": BIGINT,
        "at": TIME,
        "author_kind": TEXT,
        "author_id": TEXT,
        "author_name": TEXT,
        "what": TEXT,
        "why": TEXT,
        "before": TEXT,
        "after": TEXT,
    },
)
DELIVERY = Table(
    "delivery",
    key="row",
    columns={
        "id": TEXT,
        "target": TEXT,
        "kind": TEXT,
        "lane": TEXT,
        "conversation": TEXT,
        "seq": INT,
        "ticket": BIGINT,
        "payload": TEXT,
        "status": TEXT,
        "attempts": INT,
        "due_at": TIME,
        "created_at": TIME,
        "finished_at": TIME,
        "external_id": TEXT,
        "error": TEXT,
    },
)
RECEIVED = Table(
    "received",
    key="key",
    columns={
        "key": TEXT,
        "conversation": TEXT,
        "seq": INT,
        "ticket": BIGINT,
    },
)
RATING = Table(
    "rating",
    key="row",
    columns={
        "conversation": TEXT,
        "score": INT,
        "comment": TEXT,
        "at": TIME,
    },
)
AGENT = Table(
    "agent",
    key="id",
    columns={
        "id": TEXT,
        "name": TEXT,
        "email": TEXT,
        "password": TEXT,
        "created_at": TIME,
        "disabled_at": TIME,
    },
)
SESSION = Table(
    "session",
    key="id",
    columns={"id": TEXT, "agent": TEXT, "once": BOOLEAN, "created_at": TIME, "expires_at": TIME},
)
