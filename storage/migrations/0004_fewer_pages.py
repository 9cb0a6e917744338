from __future__ import annotations

from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise.migrations.schema_editor import BaseSchemaEditor
from tortoise.migrations.schema_generator.state_apps import StateApps

SQLITE = """
CREATE TABLE message_new (
    "row" INTEGER PRIMARY KEY NOT NULL,
    "conversation" VARCHAR(64) NOT NULL,
    "seq" INT NOT NULL,
    "author_kind" VARCHAR(16) NOT NULL,
    "author_id" VARCHAR(128) NOT NULL,
    "author_name" VARCHAR(300) NOT NULL,
    "visibility" VARCHAR(16) NOT NULL,
    "text" TEXT NOT NULL,
    "at" TIMESTAMP NOT NULL,
    "files" TEXT NOT NULL,
    "changed" INT NOT NULL,
    "edited_at" TIMESTAMP,
    "deleted_at" TIMESTAMP,
    CONSTRAINT "uid_message_convers_4f7ba1" UNIQUE ("conversation", "seq")
);
INSERT INTO message_new SELECT * FROM message ORDER BY row;
DROP TABLE message;
ALTER TABLE message_new RENAME TO message;
CREATE TRIGGER message_words_update AFTER UPDATE ON message
WHEN old.text <> new.text AND old.row <= (SELECT max(id) FROM message_words_docsize)
BEGIN
    INSERT INTO message_words(message_words, rowid, text) VALUES ('delete', old.row, old.text);
    INSERT INTO message_words(rowid, text) VALUES (new.row, new.text);
END;
CREATE TABLE received_new (
    "key" VARCHAR(255) NOT NULL PRIMARY KEY,
    "conversation" VARCHAR(64),
    "seq" INT NOT NULL,
    "ticket" BIGINT
) WITHOUT ROWID;
INSERT INTO received_new SELECT * FROM received ORDER BY key;
DROP TABLE received;
ALTER TABLE received_new RENAME TO received;
"""


async def save_pages(apps: StateApps, schema_editor: BaseSchemaEditor) -> None:
    """Have a message touch two pages fewer on SQLite.

    Messages are never deleted, so their numbers need no page that remembers the highest ever given; an
    event that was received is found by its key alone, so that its table and its index are one.
    """
    if schema_editor.client.capabilities.dialect == "sqlite":
        await schema_editor.client.execute_script(SQLITE)


class Migration(migrations.Migration):
    dependencies = [("models", "0003_room")]

    initial = False

    operations = [ops.RunPython(save_pages)]
