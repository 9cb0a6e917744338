from __future__ import annotations

from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise.migrations.schema_editor import BaseSchemaEditor
from tortoise.migrations.schema_generator.state_apps import StateApps

# The address without its tag [storage.mailbox]; for SQLite, strpos is instr.
INDEXES = """
CREATE INDEX idx_mail_counted_at ON mail (LOWER(CASE WHEN strpos(recipient, '+') > 1
    THEN substr(recipient, 1, strpos(recipient, '+') - 1) || substr(recipient, strpos(recipient, '@'))
    ELSE recipient END), at);
DROP INDEX idx_mail_recipient_at;
"""


async def find_mail_by_untagged_recipient(apps: StateApps, schema_editor: BaseSchemaEditor) -> None:
    """Count what all the tagged addresses of one mailbox got in the last hour."""
    postgres = schema_editor.client.capabilities.dialect == "postgres"
    await schema_editor.client.execute_script(INDEXES if postgres else INDEXES.replace("strpos", "instr"))


class Migration(migrations.Migration):
    dependencies = [("models", "0013_files_shown")]

    initial = False

    operations = [ops.RunPython(find_mail_by_untagged_recipient)]
