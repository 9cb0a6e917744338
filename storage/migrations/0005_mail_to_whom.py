from __future__ import annotations

from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise.migrations.schema_editor import BaseSchemaEditor
from tortoise.migrations.schema_generator.state_apps import StateApps

INDEX = "CREATE INDEX idx_mail_recipient_at ON mail (LOWER(recipient), at)"


async def find_mail_by_recipient(apps: StateApps, schema_editor: BaseSchemaEditor) -> None:
    """Count what an address got in the last hour without reading all mail of that hour."""
    await schema_editor.client.execute_script(INDEX)


class Migration(migrations.Migration):
    dependencies = [("models", "0004_fewer_pages")]

    initial = False

    operations = [ops.RunPython(find_mail_by_recipient)]
