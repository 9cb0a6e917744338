from __future__ import annotations

from tortoise import fields, migrations
from tortoise.migrations import operations as ops
from tortoise.migrations.schema_editor import BaseSchemaEditor
from tortoise.migrations.schema_generator.state_apps import StateApps

# Few tickets are escalated: the others need no entry.
INDEX = """
CREATE INDEX ticket_of_tier ON ticket (tier, due_at, number) WHERE active = TRUE AND tier IS NOT NULL;
"""


async def list_by_tier(apps: StateApps, schema_editor: BaseSchemaEditor) -> None:
    """Have a tier's open tickets listed by due time without looking at all others."""
    await schema_editor.client.execute_script(INDEX)


class Migration(migrations.Migration):
    dependencies = [("models", "0015_affected")]

    initial = False

    operations = [
        ops.AddField(model_name="Ticket", name="tier", field=fields.CharField(max_length=64, null=True)),
        ops.RunPython(list_by_tier),
    ]
