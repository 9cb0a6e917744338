from __future__ import annotations

from tortoise import fields, migrations
from tortoise.migrations import operations as ops
from tortoise.migrations.schema_editor import BaseSchemaEditor
from tortoise.migrations.schema_generator.state_apps import StateApps

# Whose tickets somebody sees is told by their address in any capitals, by their company, and by merges.
INDEXES = """
CREATE INDEX ticket_of_requester ON ticket (LOWER(requester_email), number);
CREATE INDEX conversation_of_company ON conversation (company_id) WHERE company_id <> '';
CREATE INDEX conversation_merged ON conversation (opened_with) WHERE opened_with IS NOT NULL;
"""


async def find_tickets_of_customers(apps: StateApps, schema_editor: BaseSchemaEditor) -> None:
    """Have the customer portal find a person's and a company's tickets among all others."""
    await schema_editor.client.execute_script(INDEXES)


class Migration(migrations.Migration):
    dependencies = [("models", "0011_opened_with")]

    initial = False

    operations = [
        ops.CreateModel(
            name="PortalSession",
            fields=[
                ("id", fields.CharField(primary_key=True, unique=True, db_index=True, max_length=64)),
                ("issuer", fields.CharField(max_length=255)),
                ("subject", fields.CharField(max_length=255)),
                ("tenant", fields.CharField(max_length=64)),
                ("address", fields.CharField(max_length=254)),
                ("name", fields.CharField(max_length=300)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "portal_session",
                "app": "models",
                "pk_attr": "id",
                "table_description": "A customer's signed-in browser, by the hash of its cookie, and the person as the service knows them.",
            },
            bases=["Model"],
        ),
        ops.RemoveIndex(model_name="Ticket", fields=["requester_email", "number"]),
        ops.RunPython(find_tickets_of_customers),
    ]
