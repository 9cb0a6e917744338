from __future__ import annotations

from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise.migrations.schema_editor import BaseSchemaEditor
from tortoise.migrations.schema_generator.state_apps import StateApps

# The words of messages leave the transaction that writes them: a table of their own, filled a moment behind along
# with the vocabulary [storage.word_listing], which notes how far both are. What lies after that a search reads itself.
# Of PostgreSQL's list of words to be sorted into the index, which every search reads whole, 256 kB are enough.
WORDS = """
DROP INDEX message_words;
CREATE TABLE message_words ("row" bigint NOT NULL PRIMARY KEY, words tsvector NOT NULL);
INSERT INTO message_words SELECT "row", strip(chatdesk_words(text)) FROM message ORDER BY "row";
CREATE INDEX message_words_places ON message_words USING gin ((words || chatdesk_places("row")))
    WITH (gin_pending_list_limit = 256);
INSERT INTO vocabulary SELECT DISTINCT 1, "row" >> 18, word
    FROM message_words, unnest(tsvector_to_array(words)) AS word
    WHERE "row" > COALESCE((SELECT upto FROM word_listed WHERE source = 1), 0) AND length(word) <= 255
    ON CONFLICT DO NOTHING;
INSERT INTO word_listed SELECT 1, MAX("row") FROM message_words HAVING COUNT(*) > 0
    ON CONFLICT (source) DO UPDATE SET upto = excluded.upto;
"""
# A change waits for whoever lists the same row just now, or the other way round, and the new words are what stays.
REWORDED = """
CREATE OR REPLACE FUNCTION chatdesk_message_reworded() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO message_words VALUES (new."row", strip(chatdesk_words(new.text)))
        ON CONFLICT ("row") DO UPDATE SET words = excluded.words;
    INSERT INTO reworded (source, "key") SELECT 1, new."row" WHERE new.text <> '';
    RETURN NULL;
END $$;
DROP TRIGGER message_reworded ON message;
CREATE TRIGGER message_reworded AFTER UPDATE ON message FOR EACH ROW
WHEN (old.text <> new.text) EXECUTE FUNCTION chatdesk_message_reworded();
"""
# Blocks of rows as before [0006_newest_words], after the newest that are not listed yet.
NEWEST = """
CREATE OR REPLACE FUNCTION chatdesk_newest_messages(query tsquery, below bigint, wanted int) RETURNS SETOF bigint
LANGUAGE plpgsql STABLE ROWS 10 SET max_parallel_workers_per_gather = 0 SET jit = off AS $$
DECLARE
    upper bigint; lower bigint := 1; newest bigint; size int; found int; near tsquery := query;
BEGIN
    SELECT COALESCE(MAX(upto), 0) INTO newest FROM word_listed WHERE source = 1;
    RETURN QUERY SELECT t."row" FROM (SELECT m."row", m.text FROM message m
            WHERE m."row" > newest AND m."row" < below ORDER BY m."row" DESC LIMIT 1000) AS t
        WHERE chatdesk_words(t.text) @@ query ORDER BY t."row" DESC LIMIT wanted;
    GET DIAGNOSTICS found = ROW_COUNT;
    wanted := wanted - found;
    upper := least(below, newest + 1);
    newest := upper - 1;
    FOREACH size IN ARRAY ARRAY[12, 15, 18, 21, 63] LOOP
        EXIT WHEN wanted <= 0 OR lower <= 0;
        lower := ((newest >> size) - 1) << size;
        IF lower > 0 THEN
            near := query && format('%L | %L', '/' || size || '/' || (newest >> size),
                '/' || size || '/' || (newest >> size) - 1)::tsquery;
        ELSE
            near := query;
        END IF;
        RETURN QUERY SELECT t."row" FROM message_words t WHERE (t.words || chatdesk_places(t."row")) @@ near
            AND t."row" + 0 < upper ORDER BY t."row" + 0 DESC LIMIT wanted;
        GET DIAGNOSTICS found = ROW_COUNT;
        wanted := wanted - found;
        upper := lower;
    END LOOP;
END $$;
"""


async def index_behind(apps: StateApps, schema_editor: BaseSchemaEditor) -> None:
    """Have PostgreSQL index messages a moment behind, as SQLite does."""
    if schema_editor.client.capabilities.dialect == "postgres":
        await schema_editor.client.execute_script(WORDS + REWORDED + NEWEST)


class Migration(migrations.Migration):
    dependencies = [("models", "0007_vocabulary")]

    initial = False

    operations = [ops.RunPython(index_behind)]
