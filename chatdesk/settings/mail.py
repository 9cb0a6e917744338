"""[mail]: how mail is sent and taken in; its servers and passwords are in the environment."""

from __future__ import annotations

from datetime import timedelta

from chatdesk.settings import addresses, values
from chatdesk.settings.durations import span
from chatdesk.settings.model import MailSettings
from chatdesk.settings.table import Table

_FOLDER = values.matching(
    r'[^\s"\\\x00-\x20\x7f-\U0010ffff](?:[^"\\\x00-\x1f\x7f-\U0010ffff]*)',
    'the name of a mail folder; write one such as "INBOX"',
)


def read_mail(table: Table) -> MailSettings:
    """Read [mail]; every key has a default."""
    usual = MailSettings()
    folders = values.unique(values.sized(1, 20, values.list_of(_FOLDER)))
    mail = MailSettings(
        gather=table.read("gather", span(timedelta(0), timedelta(hours=1)), usual.gather),
        copies=table.read("copies", values.boolean, usual.copies),
        tagged_replies=table.read("tagged_replies", values.boolean, usual.tagged_replies),
        aliases=table.read("aliases", values.unique(values.list_of(addresses.email)), usual.aliases),
        authserv=table.read("authserv", addresses.domain, usual.authserv),
        folders=table.read("folders", folders, usual.folders),
        move_to=table.read("move_to", _FOLDER, usual.move_to),
    )
    if mail.move_to in mail.folders:
        table.note("move_to", "is one of the folders that are read; name another one.")
    table.finish()
    return mail
