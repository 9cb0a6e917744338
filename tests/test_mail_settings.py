"""[mail] of the desk's file, and the mail servers in the environment."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chatdesk.config import Environment, MailSettings, parse_config
from chatdesk.errors import ConfigurationError
from chatdesk.settings.mail_servers import Encryption, ListenAddress, MailServer

NAMED = '[desk]\nname = "Northwind IT"\n'


def test_without_a_table_everything_has_its_default() -> None:
    assert parse_config(NAMED, "x").mail == MailSettings()


def test_every_key_is_read() -> None:
    text = """
[mail]
gather = "5m"
copies = false
tagged_replies = false
aliases = ["Support@northwind.example"]
authserv = "mail.northwind.example"
folders = ["INBOX", "Junk Mail"]
move_to = "Done"
"""
    assert parse_config(NAMED + text, "x").mail == MailSettings(
        gather=timedelta(minutes=5),
        copies=False,
        tagged_replies=False,
        aliases=("support@northwind.example",),
        authserv="mail.northwind.example",
        folders=("INBOX", "Junk Mail"),
        move_to="Done",
    )


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ('gather = "2h"', "mail.gather"),
        ('folders = ["IN\\"BOX"]', "mail.folders[0]"),
        ('move_to = "INBOX"', "one of the folders that are read"),
        ('authserv = "not a domain"', "mail.authserv"),
        ('smtp = "x"', "mail.smtp: is not a known key"),
    ],
)
def test_a_mistake_is_told_with_its_key(line: str, part: str) -> None:
    with pytest.raises(ConfigurationError, match=r"mail\.") as refused:
        parse_config(f"{NAMED}[mail]\n{line}\n", "x")
    assert part in str(refused.value)


def test_the_servers_are_read_with_their_usual_ports() -> None:
    mail = Environment.read(
        {
            "CHATDESK_SMTP_URL": "smtps://help%40northwind.example@mail.northwind.example",
            "CHATDESK_SMTP_PASSWORD": "out",
            "CHATDESK_IMAP_URL": "imaps://help@mail.northwind.example:1993",
            "CHATDESK_IMAP_PASSWORD": "in",
            "CHATDESK_MAIL_LISTEN": "127.0.0.1:2424",
        }
    ).mail
    host = "mail.northwind.example"
    assert mail.smtp == MailServer(host, 465, Encryption.TLS, "help@northwind.example", "out")
    assert mail.imap == MailServer(host, 1993, Encryption.TLS, "help", "in")
    assert mail.listen == ListenAddress("127.0.0.1", 2424)


def test_a_server_shows_no_password() -> None:
    assert "swordfish" not in repr(MailServer("x", 1, Encryption.TLS, "u", "swordfish"))


@pytest.mark.parametrize(
    ("variables", "part"),
    [
        ({"CHATDESK_SMTP_URL": "mail.example.com"}, "CHATDESK_SMTP_URL: is not the address of a server"),
        ({"CHATDESK_SMTP_URL": "smtps://mail.example.com:port"}, "is not the address of a server"),
        ({"CHATDESK_SMTP_URL": "smtps://u:swordfish@mail.example.com"}, "put it into CHATDESK_SMTP_PASSWORD"),
        ({"CHATDESK_SMTP_URL": "smtps://u@mail.example.com"}, "CHATDESK_SMTP_PASSWORD: is not set"),
        (
            {"CHATDESK_SMTP_URL": "smtp+plain://u@mail.example.com", "CHATDESK_SMTP_PASSWORD": "x"},
            "would send the password unprotected",
        ),
        ({"CHATDESK_IMAP_URL": "imap://u@mail.example.com"}, "write one such as imaps://"),
        ({"CHATDESK_MAIL_LISTEN": "2424"}, "CHATDESK_MAIL_LISTEN: is not an address to listen on"),
        ({"CHATDESK_MAIL_LISTEN": "pop://127.0.0.1:1"}, "CHATDESK_MAIL_LISTEN"),
    ],
)
def test_a_variable_that_cannot_be_used_is_told_without_its_password(
    variables: dict[str, str], part: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Environment.read(variables)
    assert part in str(refused.value)
    assert "swordfish" not in str(refused.value)
