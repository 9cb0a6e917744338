from __future__ import annotations

from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise.migrations.schema_editor import BaseSchemaEditor
from tortoise.migrations.schema_generator.state_apps import StateApps

# The list of all tickets, narrowed to one tier, technician or priority: its pages are walks by number. Those of the
# queue are walks by due time.
INDEXES = """
CREATE INDEX ticket_by_tier ON ticket (tier, number) WHERE tier IS NOT NULL;
CREATE INDEX ticket_by_technician ON ticket (assignee, number) WHERE assignee IS NOT NULL;
CREATE INDEX ticket_of_nobody ON ticket (number) WHERE assignee IS NULL;
CREATE INDEX ticket_by_priority ON ticket (priority, number);
CREATE INDEX ticket_open_of_nobody ON ticket (due_at, number) WHERE active = TRUE AND assignee IS NULL;
CREATE INDEX ticket_open_by_priority ON ticket (priority, due_at, number) WHERE active = TRUE;
"""


async def narrow_all_tickets(apps: StateApps, schema_editor: BaseSchemaEditor) -> None:
    """Have lists read page by page where they show some of their tickets only."""
    await schema_editor.client.execute_script(INDEXES)


class Migration(migrations.Migration):
    dependencies = [("models", "0018_company_list")]

    initial = False

    operations = [ops.RunPython(narrow_all_tickets)]
