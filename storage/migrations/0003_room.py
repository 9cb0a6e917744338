from __future__ import annotations

from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise.migrations.schema_editor import BaseSchemaEditor
from tortoise.migrations.schema_generator.state_apps import StateApps

POSTGRES = """
ALTER TABLE conversation SET (fillfactor = 70);
ALTER TABLE ticket SET (fillfactor = 80);
ALTER TABLE delivery SET (fillfactor = 80);
"""


async def leave_room(apps: StateApps, schema_editor: BaseSchemaEditor) -> None:
    """Leave room beside rows that change often, so that PostgreSQL changes no index with them (HOT)."""
    if schema_editor.client.capabilities.dialect == "postgres":
        await schema_editor.client.execute_script(POSTGRES)


class Migration(migrations.Migration):
    dependencies = [("models", "0002_search")]

    initial = False

    operations = [ops.RunPython(leave_room)]
