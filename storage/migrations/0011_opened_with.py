from __future__ import annotations

from tortoise import fields, migrations
from tortoise.migrations import operations as ops
from tortoise.migrations.schema_editor import BaseSchemaEditor
from tortoise.migrations.schema_generator.state_apps import StateApps

# A conversation begins in the same moment as the ticket that it opens, and takes its requester's name.
MERGED_BEFORE = """
UPDATE conversation SET opened_with = merged.number FROM ticket merged
WHERE merged.merged_into IS NOT NULL AND merged.number <> conversation.ticket
    AND merged.opened_at = conversation.opened_at AND merged.requester_name = conversation.customer_name
    AND conversation.ticket IN (SELECT merged_into FROM ticket WHERE merged_into IS NOT NULL);
"""


async def find_merged(apps: StateApps, schema_editor: BaseSchemaEditor) -> None:
    """Write down with which ticket the conversations of tickets merged so far were opened."""
    await schema_editor.client.execute_script(MERGED_BEFORE)


class Migration(migrations.Migration):
    dependencies = [("models", "0010_plain_words")]

    initial = False

    operations = [
        ops.AddField(
            model_name="Conversation",
            name="opened_with",
            field=fields.BigIntField(null=True),
        ),
        ops.RunPython(find_merged),
    ]
