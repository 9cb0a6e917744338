from __future__ import annotations

from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise.migrations.schema_editor import BaseSchemaEditor
from tortoise.migrations.schema_generator.state_apps import StateApps

# Sources are 0 for tickets and 1 for messages [storage.vocabulary]. The tables begin empty: words of what is there
# already are listed in the background, so that no start waits for it.
SQLITE = """
CREATE TABLE vocabulary (
    source INT NOT NULL, era BIGINT NOT NULL, word TEXT NOT NULL, PRIMARY KEY (source, era, word)) WITHOUT ROWID;
CREATE TABLE word_listed (source INT NOT NULL PRIMARY KEY, upto BIGINT NOT NULL) WITHOUT ROWID;
CREATE TABLE reworded (id INTEGER PRIMARY KEY NOT NULL, source INT NOT NULL, "key" BIGINT NOT NULL);
CREATE TRIGGER message_reworded AFTER UPDATE ON message WHEN old.text <> new.text AND new.text <> ''
BEGIN
    INSERT INTO reworded (source, "key") VALUES (1, new."row");
END;
CREATE TRIGGER ticket_reworded AFTER UPDATE ON ticket
WHEN old.subject <> new.subject OR old.requester_name <> new.requester_name
    OR old.requester_email <> new.requester_email OR old.company <> new.company OR old.answers <> new.answers
BEGIN
    INSERT INTO reworded (source, "key") VALUES (0, new.number);
END;
"""
POSTGRES = """
CREATE TABLE vocabulary (
    source smallint NOT NULL, era bigint NOT NULL, word text COLLATE "C" NOT NULL, PRIMARY KEY (source, era, word));
CREATE TABLE word_listed (source smallint NOT NULL PRIMARY KEY, upto bigint NOT NULL);
CREATE TABLE reworded (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, source smallint NOT NULL, "key" bigint NOT NULL);
CREATE FUNCTION chatdesk_message_reworded() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO reworded (source, "key") VALUES (1, new."row");
    RETURN NULL;
END $$;
CREATE FUNCTION chatdesk_ticket_reworded() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO reworded (source, "key") VALUES (0, new.number);
    RETURN NULL;
END $$;
CREATE TRIGGER message_reworded AFTER UPDATE ON message FOR EACH ROW
WHEN (old.text <> new.text AND new.text <> '') EXECUTE FUNCTION chatdesk_message_reworded();
CREATE TRIGGER ticket_reworded AFTER UPDATE ON ticket FOR EACH ROW
WHEN (old.subject <> new.subject OR old.requester_name <> new.requester_name
    OR old.requester_email <> new.requester_email OR old.company <> new.company OR old.answers <> new.answers)
EXECUTE FUNCTION chatdesk_ticket_reworded();
"""


async def make_vocabulary(apps: StateApps, schema_editor: BaseSchemaEditor) -> None:
    """Make the list of words in which a search looks up what a word may begin."""
    postgres = schema_editor.client.capabilities.dialect == "postgres"
    await schema_editor.client.execute_script(POSTGRES if postgres else SQLITE)


class Migration(migrations.Migration):
    dependencies = [("models", "0006_newest_words")]

    initial = False

    operations = [ops.RunPython(make_vocabulary)]
