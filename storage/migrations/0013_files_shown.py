from __future__ import annotations

from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise.migrations.schema_editor import BaseSchemaEditor
from tortoise.migrations.schema_generator.state_apps import StateApps

# Before a file is removed, all messages that show one are looked through; most messages show none.
INDEX = "CREATE INDEX message_with_files ON message (conversation) WHERE files <> '[]';"


async def find_messages_with_files(apps: StateApps, schema_editor: BaseSchemaEditor) -> None:
    """Have the messages that show a file found among all others."""
    await schema_editor.client.execute_script(INDEX)


class Migration(migrations.Migration):
    dependencies = [("models", "0012_portal")]

    initial = False

    operations = [
        ops.RunPython(find_messages_with_files),
    ]
