from __future__ import annotations

from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise.migrations.schema_editor import BaseSchemaEditor
from tortoise.migrations.schema_generator.state_apps import StateApps

# The list of all tickets, narrowed to one tier, technician or priority: its pages are walks by number.
INDEXES = """
CREATE INDEX ticket_by_tier ON ticket (tier, number) WHERE tier IS NOT NULL;
CREATE INDEX ticket_by_technician ON ticket (assignee, number) WHERE assignee IS NOT NULL;
CREATE INDEX ticket_of_nobody ON ticket (number) WHERE assignee IS NULL;
CREATE INDEX ticket_by_priority ON ticket (priority, number);
"""


async def narrow_all_tickets(apps: StateApps, schema_editor: BaseSchemaEditor) -> None:
    """Have the list of all tickets read page by page where it shows some of them only."""
    await schema_editor.client.execute_script(INDEXES)


class Migration(migrations.Migration):
    dependencies = [("models", "0018_company_list")]

    initial = False

    operations = [ops.RunPython(narrow_all_tickets)]
