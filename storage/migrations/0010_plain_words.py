from __future__ import annotations

from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise.migrations.schema_editor import BaseSchemaEditor
from tortoise.migrations.schema_generator.state_apps import StateApps

# Words as chatdesk.search.plain makes them: without case and accents, as SQLite's index has them. PostgreSQL folds
# neither the German sharp s (00DF) nor the sigma at the end of a word (03C2), and normalizes in UTF-8 only. Most
# texts are ASCII, and quickly done.
PLAIN = r"""
CREATE FUNCTION chatdesk_plain(text text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN
    CASE WHEN octet_length(text) = length(text) THEN lower(text)
    ELSE regexp_replace(normalize(replace(translate(lower(text), U&'\03C2', U&'\03C3'), U&'\00DF', 'ss'), NFKD),
        '[\u0300-\u036f]', '', 'g') END;
"""
UNNORMALIZED = """
CREATE FUNCTION chatdesk_plain(text text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN lower(text);
"""
# Messages and the vocabulary are read again a moment behind, as new ones are [storage.search_index].
WORDS = r"""
CREATE OR REPLACE FUNCTION chatdesk_words(text text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN
    to_tsvector('simple'::regconfig,
        regexp_replace(chatdesk_plain(left(text, 100000)), '[^[:alnum:]_]+', ' ', 'g'));
REINDEX INDEX ticket_words;
TRUNCATE message_words, vocabulary, word_listed;
"""


async def fold_words(apps: StateApps, schema_editor: BaseSchemaEditor) -> None:
    """Have PostgreSQL find words whatever their case and accents, as SQLite does."""
    client = schema_editor.client
    if client.capabilities.dialect == "postgres":
        _, found = await client.execute_query("SHOW server_encoding")
        unicode = found[0]["server_encoding"] == "UTF8"
        await client.execute_script((PLAIN if unicode else UNNORMALIZED) + WORDS)


class Migration(migrations.Migration):
    dependencies = [("models", "0009_surveys")]

    initial = False

    operations = [ops.RunPython(fold_words)]
