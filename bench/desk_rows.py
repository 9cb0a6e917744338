"""A desk's rows in bulk, made by the database itself: what the lists and the search are measured on.

Every list is longer than a page at any size, so that two sizes differ in their rows and not in what is shown.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing

import asyncpg

from storage.database import Database, postgres_address, sqlite_file
from storage.search_index import index_all

MESSAGES, CHUNK = 10, 5_000
"""Messages of each ticket; tickets written at a time, whose messages lie among one another."""
FIRST_OPENED = 1_767_225_600
"""When the first ticket was opened, in seconds since 1970; each is opened a minute after the one before."""
GROUP = 600
"""Tickets of each company, and of each technician; a fifth of them is active."""
_WORDS = 250_000
"""Messages indexed at a time."""
_TICKET = """
    INSERT INTO ticket (number, status, type, priority, subject, channel, opened_at, changed_at,
        requester_name, requester_email, requester_phone, company, answers, assignee, tier, due_at,
        resolution, workaround, priority_confirmed, active, version)
    SELECT n, CASE WHEN n % 5 = 0 THEN 'assigned' ELSE 'closed' END, 'incident',
        CASE WHEN n % 13 = 0 THEN 'critical' ELSE 'standard' END,
        'Printer ' || n || ' jams', 'web', {at}, {at}, 'Dana Reyes ' || (n % 997),
        'dana' || n || '@contoso.example', '', 'Company ' || (n % {groups}), '[]',
        'agent ' || (n / 5 % {groups}), CASE WHEN n % 11 = 0 THEN 'second' END, {at}, '', '', {true},
        {active}, 1 FROM {numbers}"""
_CONVERSATION = """
    INSERT INTO conversation (id, channel, visitor, customer_name, widget, company_id, ticket, flow,
        flow_version, state, state_data, opened_at, changed_at, last_seq, customer_delivered, customer_seen,
        staff_delivered, staff_seen, version)
    SELECT 'chat' || n, 'web', 'visitor' || n, 'Dana', 'desk', '', n, 'live_chat', 1, 'ended',
        '{{"at":"2026-11-21T12:00:00Z"}}', {at}, {at}, {messages}, 0, 0, 0, 0, 1 FROM {numbers}"""
_MESSAGE = """
    INSERT INTO message (conversation, seq, author_kind, author_id, author_name, visibility, text, at,
        files, changed)
    SELECT 'chat' || n, {seq}, 'customer', 'v', 'Dana', 'public',
        'The printer on floor ' || (n % 18) || ' is slow, part' || (n * 7919 % 5003) || ', case word' || n
        || 'x{seq}', {at}, '[]', {seq}
    FROM {numbers}"""
_HISTORY = """
    INSERT INTO history (ticket, at, author_kind, author_id, author_name, what, why, before, after)
    SELECT n, {at}, 'desk', 'desk', 'Northwind IT', '{what}', '', {states} FROM {numbers}"""
_MOVES = {
    "opened": "NULL, 'new'",
    "resolved": "CASE WHEN n % 5 = 0 THEN NULL ELSE 'in progress' END, "
    "CASE WHEN n % 5 = 0 THEN NULL ELSE 'resolved' END",
}
"""What a ticket's history says, and its states before and after."""
_DELIVERY = """
    INSERT INTO delivery (id, target, kind, lane, conversation, ticket, payload, status, attempts, due_at,
        created_at, finished_at, external_id, error)
    SELECT 'delivery' || n, 'email', 'mail', 'chat' || n, 'chat' || n, n, '{{}}', 'done', 1, {at}, {at}, {at},
        '', '' FROM {numbers}"""
_SQLITE = {
    "numbers": "(WITH RECURSIVE s(n) AS (VALUES ({first}) UNION ALL SELECT n + 1 FROM s WHERE n < {last}) "
    "SELECT n FROM s)",
    "at": f"strftime('%Y-%m-%d %H:%M:%S', {FIRST_OPENED} + n * 60, 'unixepoch') || '.000000+00:00'",
    "active": "n % 5 = 0",
    "true": "1",
}
_POSTGRES = {
    "numbers": "generate_series({first}::bigint, {last}) AS n",
    "at": f"to_timestamp({FIRST_OPENED} + n * 60)",
    "active": "n % 5 = 0",
    "true": "true",
}


async def fill(database: Database, tickets: int) -> None:
    """Write tickets with a conversation, ten messages, two lines of history and a mail each.

    A desk that was cut off while it was filled must not be used.
    """
    if database.dialect == "sqlite":
        _fill_sqlite(database, tickets)
        await index_all(database, _WORDS)
    else:
        await _fill_postgres(database, tickets)


def _fill_sqlite(database: Database, tickets: int) -> None:
    with closing(sqlite3.connect(sqlite_file(database.url), isolation_level=None)) as connection:
        connection.executescript("PRAGMA synchronous = OFF; PRAGMA cache_size = -200000")
        for first in range(1, tickets + 1, CHUNK):
            connection.execute("BEGIN")
            for statement in _statements(_SQLITE, first, tickets):
                connection.execute(statement)
            connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


async def _fill_postgres(database: Database, tickets: int) -> None:
    connection = await asyncpg.connect(postgres_address(database.url))
    try:
        await connection.execute("SET synchronous_commit = off; SET maintenance_work_mem = '512MB'")
        words = await connection.fetch(
            "SELECT indexname, indexdef FROM pg_indexes WHERE indexdef LIKE '% USING gin %'"
        )
        for index in words:
            await connection.execute(f"DROP INDEX {index['indexname']}")
        for first in range(1, tickets + 1, CHUNK):
            for statement in _statements(_POSTGRES, first, tickets):
                await connection.execute(statement)
        await index_all(database, _WORDS)
        for index in words:
            await connection.execute(index["indexdef"])
        await connection.execute("VACUUM ANALYZE")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()


def _statements(words: dict[str, str], first: int, tickets: int) -> list[str]:
    values = {
        **words,
        "numbers": words["numbers"].format(first=first, last=min(tickets, first + CHUNK - 1)),
        "messages": MESSAGES,
        "groups": max(1, tickets // GROUP),
    }
    templates = [_TICKET, _CONVERSATION, _DELIVERY]
    return [
        *(template.format(**values) for template in templates),
        *(_HISTORY.format(what=what, states=states, **values) for what, states in _MOVES.items()),
        *(_MESSAGE.format(seq=seq, **values) for seq in range(1, MESSAGES + 1)),
    ]
