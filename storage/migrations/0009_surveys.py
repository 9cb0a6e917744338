from __future__ import annotations

from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise.migrations.schema_editor import BaseSchemaEditor
from tortoise.migrations.schema_generator.state_apps import StateApps

# A delivery has an id at the other side only once it was sent, a ticket a technician once it was taken, and
# of all chats those that wait are asked for: the others, which are many, need no entry.
FEWER = """
CREATE INDEX delivery_by_external_id ON delivery (target, external_id) WHERE external_id <> '';
CREATE INDEX conversation_waiting ON conversation (state) WHERE state = 'waiting';
DROP INDEX ticket_of_technician;
CREATE INDEX ticket_of_technician ON ticket (assignee, due_at, number)
    WHERE active = TRUE AND assignee IS NOT NULL;
"""
# What is not in the index yet must not be taken out of it: that would corrupt it.
SQLITE = """
DROP TRIGGER ticket_words_insert;
DROP TRIGGER ticket_words_update;
CREATE TRIGGER ticket_words_update AFTER UPDATE ON ticket
WHEN old.number <= (SELECT max(id) FROM ticket_words_docsize)
    AND (old.subject <> new.subject OR old.requester_name <> new.requester_name
    OR old.requester_email <> new.requester_email OR old.company <> new.company OR old.answers <> new.answers)
BEGIN
    INSERT INTO ticket_words(ticket_words, rowid, subject, requester_name, requester_email, company, answers)
    VALUES ('delete', old.number, old.subject, old.requester_name, old.requester_email, old.company, old.answers);
    INSERT INTO ticket_words(rowid, subject, requester_name, requester_email, company, answers)
    VALUES (new.number, new.subject, new.requester_name, new.requester_email, new.company, new.answers);
END;
"""


async def make_fewer_entries(apps: StateApps, schema_editor: BaseSchemaEditor) -> None:
    """Have a survey write none into three indexes that nobody would look it up in."""
    await schema_editor.client.execute_script(FEWER)


async def index_behind(apps: StateApps, schema_editor: BaseSchemaEditor) -> None:
    """Have SQLite index tickets a moment behind, as messages are."""
    if schema_editor.client.capabilities.dialect == "sqlite":
        await schema_editor.client.execute_script(SQLITE)


class Migration(migrations.Migration):
    dependencies = [("models", "0008_words_behind")]

    initial = False

    operations = [
        ops.RemoveIndex(model_name="Delivery", fields=["target", "external_id"]),
        ops.RemoveIndex(model_name="Delivery", fields=["conversation", "seq"]),
        ops.RemoveIndex(model_name="Conversation", fields=["state"]),
        ops.RunPython(make_fewer_entries),
        ops.RunPython(index_behind),
    ]
