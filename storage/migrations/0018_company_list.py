from __future__ import annotations

from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise.migrations.schema_editor import BaseSchemaEditor
from tortoise.migrations.schema_generator.state_apps import StateApps

# A company's tickets by the number with which each was opened: a page of its manager's list is a walk along it.
INDEXES = """
DROP INDEX conversation_of_company;
CREATE INDEX conversation_of_company ON conversation (company_id, COALESCE(opened_with, ticket))
    WHERE company_id <> '';
CREATE INDEX conversation_merged_of_company ON conversation (company_id, opened_with)
    WHERE opened_with IS NOT NULL AND company_id <> '';
"""


async def list_companies_by_number(apps: StateApps, schema_editor: BaseSchemaEditor) -> None:
    """Have a manager's list in the portal read page by page, however many tickets the company has."""
    await schema_editor.client.execute_script(INDEXES)


class Migration(migrations.Migration):
    dependencies = [("models", "0017_reports")]

    initial = False

    operations = [ops.RunPython(list_companies_by_number)]
