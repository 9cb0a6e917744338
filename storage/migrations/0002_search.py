from __future__ import annotations

from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise.migrations.schema_editor import BaseSchemaEditor
from tortoise.migrations.schema_generator.state_apps import StateApps

SQLITE = """
CREATE VIRTUAL TABLE ticket_words USING fts5(
    subject, requester_name, requester_email, company, answers,
    content='ticket', content_rowid='number', tokenize='unicode61 remove_diacritics 2');
INSERT INTO ticket_words(ticket_words) VALUES ('rebuild');
CREATE TRIGGER ticket_words_insert AFTER INSERT ON ticket BEGIN
    INSERT INTO ticket_words(rowid, subject, requester_name, requester_email, company, answers)
    VALUES (new.number, new.subject, new.requester_name, new.requester_email, new.company, new.answers);
END;
CREATE TRIGGER ticket_words_update AFTER UPDATE ON ticket
WHEN old.subject <> new.subject OR old.requester_name <> new.requester_name
    OR old.requester_email <> new.requester_email OR old.company <> new.company OR old.answers <> new.answers
BEGIN
    INSERT INTO ticket_words(ticket_words, rowid, subject, requester_name, requester_email, company, answers)
    VALUES ('delete', old.number, old.subject, old.requester_name, old.requester_email, old.company, old.answers);
    INSERT INTO ticket_words(rowid, subject, requester_name, requester_email, company, answers)
    VALUES (new.number, new.subject, new.requester_name, new.requester_email, new.company, new.answers);
END;
CREATE VIRTUAL TABLE message_words USING fts5(
    text, content='message', content_rowid='row', tokenize='unicode61 remove_diacritics 2');
CREATE TRIGGER message_words_update AFTER UPDATE ON message
WHEN old.text <> new.text AND old.row <= (SELECT max(id) FROM message_words_docsize)
BEGIN
    INSERT INTO message_words(message_words, rowid, text) VALUES ('delete', old.row, old.text);
    INSERT INTO message_words(rowid, text) VALUES (new.row, new.text);
END;
"""
POSTGRES = r"""
CREATE FUNCTION chatdesk_words(text text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN
    to_tsvector('simple'::regconfig, regexp_replace(left(text, 100000), '[^[:alnum:]_]+', ' ', 'g'));
CREATE INDEX ticket_words ON ticket USING gin (chatdesk_words(
    subject || ' ' || requester_name || ' ' || requester_email || ' ' || company || ' ' || answers));
CREATE INDEX message_words ON message USING gin (chatdesk_words(text));
"""


async def make_index(apps: StateApps, schema_editor: BaseSchemaEditor) -> None:
    """Make what full-text search reads: tables of their own on SQLite, two indexes on PostgreSQL."""
    postgres = schema_editor.client.capabilities.dialect == "postgres"
    await schema_editor.client.execute_script(POSTGRES if postgres else SQLITE)


class Migration(migrations.Migration):
    dependencies = [("models", "0001_initial")]

    initial = False

    operations = [ops.RunPython(make_index)]
