from __future__ import annotations

from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("models", "0014_mail_counted")]

    initial = False

    operations = [
        ops.CreateModel(
            name="Affected",
            fields=[
                (
                    "row",
                    fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True),
                ),
                ("ticket", fields.BigIntField()),
                ("mailbox", fields.CharField(max_length=254)),
                ("address", fields.CharField(max_length=254)),
                ("name", fields.CharField(max_length=300)),
                ("known_as", fields.BigIntField(null=True)),
            ],
            options={
                "table": "affected",
                "app": "models",
                "unique_together": (("ticket", "mailbox"),),
                "indexes": [Index(fields=["mailbox", "ticket"])],
                "pk_attr": "row",
                "table_description": "Somebody whom a ticket affects: ``mailbox`` is the address as it is compared.",
            },
            bases=["Model"],
        ),
    ]
