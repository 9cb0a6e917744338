from __future__ import annotations

from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise.migrations.schema_editor import BaseSchemaEditor
from tortoise.migrations.schema_generator.state_apps import StateApps

# PostgreSQL's index of words reads every place of a word. So each row is also put under words for where it
# stands among the others: under the numbers of its block of 4,096, of 32,768, of 262,144 and of 2,097,152 rows.
# "printer, in the newest two blocks" reads no more than those blocks, however often the word was ever said.
# A blank or a stroke is in no word of a text, so nobody can ask for a block.
PLACES = """
CREATE FUNCTION chatdesk_places(key bigint) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN
    array_to_tsvector(ARRAY['/12/' || (key >> 12), '/15/' || (key >> 15), '/18/' || (key >> 18), '/21/' || (key >> 21)]);
"""
INDEX = """
DROP INDEX {table}_words;
CREATE INDEX {table}_words ON {table} USING gin (({words} || chatdesk_places({key})));
"""
# "+ 0": without it PostgreSQL may read the newest rows one by one until it has enough, all of them for a rare word.
# No workers and no compiled plans: to start them takes longer than the search.
NEWEST = """
CREATE FUNCTION chatdesk_newest_{table}s(query tsquery, below bigint, wanted int) RETURNS SETOF bigint
LANGUAGE plpgsql STABLE ROWS 10 SET max_parallel_workers_per_gather = 0 SET jit = off AS $$
DECLARE
    upper bigint; lower bigint := 1; newest bigint; size int; found int; near tsquery := query;
BEGIN
    SELECT least(below, max({key}) + 1) INTO upper FROM {table};
    newest := upper - 1;
    FOREACH size IN ARRAY ARRAY[12, 15, 18, 21, 63] LOOP
        EXIT WHEN upper IS NULL OR wanted <= 0 OR lower <= 0;
        lower := ((newest >> size) - 1) << size;
        IF lower > 0 THEN
            near := query && format('%L | %L', '/' || size || '/' || (newest >> size),
                '/' || size || '/' || (newest >> size) - 1)::tsquery;
        ELSE
            near := query;
        END IF;
        RETURN QUERY SELECT t.{key} FROM {table} t WHERE ({words} || chatdesk_places({key})) @@ near
            AND t.{key} + 0 < upper AND {shown} ORDER BY t.{key} + 0 DESC LIMIT wanted;
        GET DIAGNOSTICS found = ROW_COUNT;
        wanted := wanted - found;
        upper := lower;
    END LOOP;
END $$;
"""
# Of the active tickets only, which are few however many have been closed.
OPEN_TICKETS = """
CREATE INDEX ticket_of_technician ON ticket (assignee, due_at, number) WHERE active = TRUE;
CREATE INDEX ticket_of_company ON ticket (company, due_at, number) WHERE active = TRUE;
"""
MESSAGES = {
    "table": "message",
    "key": '"row"',
    "words": "chatdesk_words(text)",
    "shown": "deleted_at IS NULL",
}
TICKETS = {
    "table": "ticket",
    "key": "number",
    "words": "chatdesk_words(subject || ' ' || requester_name || ' ' || requester_email || ' ' || company "
    "|| ' ' || answers)",
    "shown": "true",
}


async def find_newest(apps: StateApps, schema_editor: BaseSchemaEditor) -> None:
    """Let PostgreSQL find the newest rows with a word without reading all that have it."""
    if schema_editor.client.capabilities.dialect == "postgres":
        parts = [part.format(**names) for names in (MESSAGES, TICKETS) for part in (INDEX, NEWEST)]
        await schema_editor.client.execute_script("".join([PLACES, *parts]))


async def list_open_tickets(apps: StateApps, schema_editor: BaseSchemaEditor) -> None:
    """Let a technician's list, and a company's, be walks along an index of open tickets."""
    await schema_editor.client.execute_script(OPEN_TICKETS)


class Migration(migrations.Migration):
    dependencies = [("models", "0005_mail_to_whom")]

    initial = False

    operations = [
        ops.RemoveIndex(model_name="Ticket", fields=["assignee", "active", "due_at"]),
        ops.RunPython(list_open_tickets),
        ops.RunPython(find_newest),
    ]
