"""PostgreSQL's statements for a batch: to lock and read what it is about, to write it all and tell the nodes.

Each is one round trip.
"""

from __future__ import annotations

from functools import cache

from storage.parameters import elements, in_list
from storage.tables import Table

NODES_CHANNEL = "chatdesk"
"""The channel on which nodes tell one another what happened (PostgreSQL's NOTIFY)."""


@cache
def hold_sql(table: Table) -> str:
    """Return PostgreSQL's statement that locks rows and returns those that are not as they are known.

    Its parameter is a JSON array of `[key, known version]`; the rows are locked in the order of their keys.
    """
    key, kind = table.key, table.columns[table.key]
    return (
        f"WITH held AS MATERIALIZED (SELECT t.*, (value->>1)::int AS known "
        f'FROM {elements()} JOIN "{table.name}" t '
        f'ON t."{key}" = (value->>0)::{kind} ORDER BY t."{key}" FOR NO KEY UPDATE OF t) '
        f"SELECT * FROM held WHERE version <> known"
    )


LOOK_UP = f"""
    WITH held AS MATERIALIZED (
        SELECT c.*, (value->>1)::int AS known
        FROM {elements(parameter=2)} JOIN conversation c ON c.id = value->>0
        ORDER BY c.id FOR NO KEY UPDATE OF c
    ), of_held AS MATERIALIZED (
        SELECT t.*, ($3::jsonb->>t.number::text)::int AS known
        FROM (SELECT DISTINCT ticket FROM held) h JOIN ticket t ON t.number = h.ticket
        ORDER BY t.number FOR NO KEY UPDATE OF t
    ), before AS (
        SELECT * FROM received WHERE key IN {in_list("postgres")}
    )
    SELECT (SELECT json_agg(before) FROM before)::text AS received,
        (SELECT json_agg(held) FROM held WHERE version <> known)::text AS conversations,
        (SELECT json_agg(of_held) FROM of_held WHERE version IS DISTINCT FROM known)::text AS tickets"""
"""PostgreSQL's statement that reads all that a batch of plain messages needs, in one round trip.

It returns, as JSON, which of the events' keys ($1) were received before, and of the conversations ($2, each
as `[id, known version]`) and their tickets ($3, an object of numbers and known versions) those that are not
as they are known. It locks both in the order in which all nodes do, conversations before tickets.
"""


@cache
def together_sql(queries: tuple[str, ...], *, tell: bool) -> str:
    """Return PostgreSQL's statement that executes several, each with one parameter, in one round trip.

    It answers with one row: how many rows each has changed. With ``tell`` the texts of a last parameter, an
    array, are told to every node at the commit.
    """
    parts = _named_parts(queries, tell=tell)
    counts = ", ".join(f"(SELECT count(*) FROM s{index}) AS c{index}" for index in range(len(parts)))
    return f"WITH {', '.join(parts)} SELECT {counts}"


@cache
def all_or_nothing_sql(queries: tuple[str, ...], *, tell: bool) -> str:
    """Return PostgreSQL's statement that executes several as a transaction of its own, in one round trip.

    Two parameters follow those of ``together_sql``, as JSON: how many rows each query has to change, null
    for any number, and tickets as `[number, version]`. When a number is another, or a ticket has another
    version, it fails with a division by zero, and nothing has changed.
    """
    parts = _named_parts(queries, tell=tell)
    counts, tickets = f"${len(parts) + 1}::jsonb", f"${len(parts) + 2}::jsonb"
    met = [
        f"COALESCE((SELECT count(*) FROM s{index}) = ({counts}->>{index})::int, true)"
        for index in range(len(queries))
    ]
    if tell:
        # What nobody asks for is not executed.
        met.append(f"(SELECT count(*) FROM s{len(queries)}) > 0")
    present = (
        f"(SELECT count(*) FROM {elements(parameter=len(parts) + 2)} JOIN ticket t "
        f"ON t.number = (value->>0)::bigint AND t.version = (value->>1)::int) = jsonb_array_length({tickets})"
    )
    return f"WITH {', '.join(parts)} SELECT 1 / CASE WHEN {' AND '.join([*met, present])} THEN 1 ELSE 0 END"


def _named_parts(queries: tuple[str, ...], *, tell: bool) -> list[str]:
    parts = [
        f"s{index} AS ({query.replace('$1', f'${index + 1}')} RETURNING 1)"
        for index, query in enumerate(queries)
    ]
    if tell:
        source = f"unnest(${len(queries) + 1}::text[]) AS told"
        parts.append(
            f"s{len(queries)} AS MATERIALIZED (SELECT pg_notify('{NODES_CHANNEL}', told) FROM {source})"
        )
    return parts
