from __future__ import annotations

from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise.migrations.schema_editor import BaseSchemaEditor
from tortoise.migrations.schema_generator.state_apps import StateApps

# Of a ticket's history only what ends it or opens it again has an entry; a chat's messages write none.
INDEXES = """
CREATE INDEX ticket_by_opening ON ticket (opened_at, number);
CREATE INDEX history_of_ends ON history (at, "row")
    WHERE after IN ('resolved', 'merged', 'cancelled') OR before IN ('resolved', 'closed');
CREATE INDEX rating_by_time ON rating (at, "row");
"""


async def find_what_a_period_has(apps: StateApps, schema_editor: BaseSchemaEditor) -> None:
    """Have reports read what happened in their period without looking at what happened before it."""
    await schema_editor.client.execute_script(INDEXES)


class Migration(migrations.Migration):
    dependencies = [("models", "0016_tier")]

    initial = False

    operations = [ops.RunPython(find_what_a_period_has)]
