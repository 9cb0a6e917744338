"""Lists the words of new and of changed texts [storage.vocabulary], some rows at a time, on either database.

On PostgreSQL the same step indexes messages, so that each is taken apart once. Each step is a transaction
with the note of how far it came, so that it can be cut off anywhere. Eras only say which words are newer: the
words of a step are all listed in the era of its last row.
"""

from __future__ import annotations

import sqlite3
from functools import cache
from typing import TYPE_CHECKING

from storage.vocabulary import LONGEST, MESSAGES, SOURCES, TICKETS, Source, upto

if TYPE_CHECKING:
    from tortoise.backends.base.client import BaseDBAsyncClient

_LOCK = 0x776F7264
"""Number of the first advisory lock, one for each kind, of which one process at a time lists (PostgreSQL)."""
REWORDED = 100
"""Changed texts whose words are listed at a time."""
_TAKE_APART = (
    "CREATE VIRTUAL TABLE IF NOT EXISTS temp.taken "
    "USING fts5(text, content='', detail=none, tokenize='unicode61 remove_diacritics 2')",
    "CREATE VIRTUAL TABLE IF NOT EXISTS temp.taken_terms USING fts5vocab(temp, taken, row)",
)
"""What takes texts apart as SQLite's index does, and tells their words in order."""
_WORDS = (
    "LATERAL (SELECT word FROM unnest(tsvector_to_array(taken.words)) AS word "
    f"WHERE length(word) <= {LONGEST}) AS words"
)
"""The words of a row that was taken apart by PostgreSQL, as its index has them."""
_INDEX = """indexed AS (
        INSERT INTO message_words ("row", words) SELECT "row", words FROM taken ORDER BY "row"
        ON CONFLICT DO NOTHING
    ), """
"""What indexes the messages that were taken apart; a changed one has put its new words there itself."""


def list_on_sqlite(database: sqlite3.Connection, limit: int) -> bool:
    """List the words of up to ``limit`` rows of each kind, in the open transaction.

    Tells whether there may be more tickets, or more changed texts.
    """
    for statement in _TAKE_APART:
        database.execute(statement)
    _ = _list_new(database, MESSAGES, limit)
    more = _list_new(database, TICKETS, limit) == limit
    return _list_reworded(database) == REWORDED or more


def _list_new(database: sqlite3.Connection, source: Source, limit: int) -> int:
    """List the words of rows with higher keys than those of before; return of how many."""
    new = f"{source.key} > {upto(source)}"
    keys = f"SELECT {source.key} AS k FROM {source.table} WHERE {new} ORDER BY k LIMIT ?"
    count, last = database.execute(f"SELECT COUNT(*), MAX(k) FROM ({keys})", [limit]).fetchone()
    if count:
        _list_taken(database, source, f"{new} AND {source.key} <= ?", last, last >> source.era_bits)
        database.execute("REPLACE INTO word_listed (source, upto) VALUES (?, ?)", [source.number, last])
    return int(count)


def _list_reworded(database: sqlite3.Connection) -> int:
    """List the words of changed texts, the earliest first; return of how many."""
    query = f"SELECT COUNT(*), MAX(id) FROM (SELECT id FROM reworded ORDER BY id LIMIT {REWORDED})"
    count, last = database.execute(query).fetchone()
    if count:
        for source in SOURCES:
            era = database.execute(f"SELECT {upto(source)} >> {source.era_bits}").fetchone()[0]
            keys = f'SELECT "key" FROM reworded WHERE source = {source.number} AND id <= ?'
            _list_taken(database, source, f"{source.key} IN ({keys})", last, era)
        database.execute("DELETE FROM reworded WHERE id <= ?", [last])
    return int(count)


def _list_taken(database: sqlite3.Connection, source: Source, where: str, value: int, era: int) -> None:
    """List the words of the rows for which a condition with one value holds."""
    taken = f"SELECT {source.text} FROM {source.table} WHERE {where}"
    database.execute(f"INSERT INTO temp.taken(text) {taken}", [value])
    words = f"SELECT ?, ?, term FROM temp.taken_terms WHERE length(term) <= {LONGEST}"
    database.execute(f"INSERT OR IGNORE INTO vocabulary {words}", [source.number, era])
    database.execute("INSERT INTO temp.taken(taken) VALUES ('delete-all')")


async def list_on_postgres(connection: BaseDBAsyncClient, source: Source, settled: int, limit: int) -> bool:
    """List the words of up to ``limit`` rows, of keys up to ``settled``; tell whether there were any.

    Messages are indexed with it. Its commit does not wait for the disk, which chats need: what a crash takes
    back is done again.
    Keys are given before the commit, so that a lower one may still appear: ``settled`` is one below which
    nothing will. Nothing is done where another process lists just now.
    """
    return bool(await connection.execute_query_dict(list_sql(source), [settled, limit]))


async def list_reworded_on_postgres(connection: BaseDBAsyncClient, source: Source) -> None:
    """List the words of some of the texts that were changed."""
    await connection.execute_query(_list_reworded_sql(source))


@cache
def list_sql(source: Source) -> str:
    """Return the statement of ``list_on_postgres``, whose parameters are the settled key and the limit.

    What is settled is compared last: of a range between two keys PostgreSQL without statistics expects few
    rows, and would sort all that wait instead of reading the first along the index.
    """
    key, table, number = source.key, source.table, source.number
    index = _INDEX if source == MESSAGES else ""
    return f"""
    WITH span AS MATERIALIZED (
        SELECT upto, (SELECT MAX(k) FROM (SELECT {key} AS k FROM {table} WHERE {key} > upto
            ORDER BY {key} LIMIT $2) AS following WHERE k <= $1) AS last
        FROM (SELECT set_config('synchronous_commit', 'off', true)) AS unsynced,
            (SELECT {upto(source)} AS upto WHERE pg_try_advisory_xact_lock({_LOCK + number})) AS listed
    ), taken AS MATERIALIZED (
        SELECT {key}, strip(chatdesk_words({source.text})) AS words FROM {table}
        WHERE {key} > (SELECT upto FROM span) AND {key} <= (SELECT last FROM span)
    ), {index}listed AS (
        INSERT INTO vocabulary
        SELECT DISTINCT {number}, (SELECT last FROM span) >> {source.era_bits}, word FROM taken, {_WORDS}
        ORDER BY word ON CONFLICT DO NOTHING
    )
    INSERT INTO word_listed (source, upto) SELECT {number}, last FROM span WHERE last IS NOT NULL
    ON CONFLICT (source) DO UPDATE SET upto = greatest(word_listed.upto, excluded.upto) RETURNING upto"""


@cache
def _list_reworded_sql(source: Source) -> str:
    return f"""
    WITH gone AS MATERIALIZED (
        DELETE FROM reworded WHERE id IN (SELECT id FROM reworded WHERE source = {source.number}
            ORDER BY id LIMIT {REWORDED} FOR UPDATE SKIP LOCKED) RETURNING "key"
    ), taken AS (
        SELECT chatdesk_words({source.text}) AS words
        FROM gone JOIN {source.table} ON {source.key} = gone."key"
    )
    INSERT INTO vocabulary SELECT DISTINCT {source.number}, {upto(source)} >> {source.era_bits}, word
    FROM taken, {_WORDS} ORDER BY word ON CONFLICT DO NOTHING"""
