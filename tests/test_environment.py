from __future__ import annotations

import pytest

from chatdesk.config import Environment
from chatdesk.errors import ConfigurationError


def test_an_empty_environment_gives_the_demonstration_on_loopback() -> None:
    read_from = Environment.read({"CHATDESK_CONFIG": "", "HOME": "/root"})
    assert read_from.config is None
    assert (read_from.host, read_from.port, read_from.secret) == ("127.0.0.1", 8080, "")
    assert read_from.database_url == "sqlite://var/chatdesk.sqlite3"
    assert read_from == Environment()


def test_the_database_lies_in_the_data_folder_unless_named() -> None:
    assert (
        Environment.read({"CHATDESK_DATA": "/srv/desk"}).database_url == "sqlite:///srv/desk/chatdesk.sqlite3"
    )
    named = {"CHATDESK_DATA": "/srv/desk", "CHATDESK_DATABASE_URL": "postgres://desk@localhost/desk"}
    assert Environment.read(named).database_url == "postgres://desk@localhost/desk"


def test_the_secret_and_the_databases_password_are_not_in_the_representation() -> None:
    secret = "s3cr3t" * 6
    shown = repr(
        Environment.read(
            {"CHATDESK_SECRET": secret, "CHATDESK_DATABASE_URL": "postgres://d:hunter2@localhost/d"}
        )
    )
    assert "s3cr3t" not in shown
    assert "hunter2" not in shown


def test_proxies_are_addresses_and_networks() -> None:
    networks = Environment.read({"CHATDESK_TRUSTED_PROXIES": "10.0.0.0/8, ::1"}).trusted_proxies
    assert [str(network) for network in networks] == ["10.0.0.0/8", "::1/128"]


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("PORT", "http", "'http' is not a port; give a number from 0 to 65535."),
        ("PORT", "65536", "'65536' is not a port; give a number from 0 to 65535."),
        ("PORT", "-1", "'-1' is not a port; give a number from 0 to 65535."),
        ("SECRET", "x" * 31, "has 31 characters; give 32 or more random characters."),
        ("TRUSTED_PROXIES", "proxy", "'proxy' is not an address or a network such as 10.0.0.0/8."),
        ("TRUSTED_PROXIES", "0.0.0.0/0", "'0.0.0.0/0' is everybody; name your own proxies."),
        (
            "DATABASE_URL",
            "mysql://u:p@h/d",
            "must start with sqlite:// or postgres:// or postgresql:// or asyncpg://.",
        ),
    ],
)
def test_a_bad_variable_is_named_with_what_is_allowed(name: str, value: str, problem: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Environment.read({f"CHATDESK_{name}": value})
    assert str(refused.value) == f"CHATDESK_{name}: {problem}"


def test_all_bad_variables_are_told_in_one_go() -> None:
    with pytest.raises(ConfigurationError) as refused:
        Environment.read({"CHATDESK_PORT": "x", "CHATDESK_SECRET": "short"})
    assert len(str(refused.value).splitlines()) == 2


def test_the_portals_services_are_those_that_have_an_id_and_a_secret_which_is_not_shown() -> None:
    prefix = "CHATDESK_PORTAL_MICROSOFT"
    found = Environment.read({f"{prefix}_CLIENT_ID": "an-id", f"{prefix}_CLIENT_SECRET": "hunter2"})
    (service,) = found.portal.services
    assert (service.name, service.client_id, service.label) == ("microsoft", "an-id", "Microsoft")
    assert service.issuer == "https://login.microsoftonline.com/common/v2.0"
    assert found.portal.service("microsoft") is service
    assert found.portal.service("google") is None
    assert "hunter2" not in repr(found)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"CLIENT_ID": "i"}, "CLIENT_SECRET: is not set; signing in with Google needs it."),
        ({"CLIENT_SECRET": "s"}, "CLIENT_ID: is not set; signing in with Google needs it."),
        *(
            ({"ISSUER": issuer}, f"ISSUER: {issuer!r} cannot be used; only http://127.0.0.1 is, for tests.")
            for issuer in (
                "https://evil.example",
                "http://evil.example",
                "http://127.0.0.1.evil.example",
                "x",
            )
        ),
    ],
)
def test_half_a_sign_in_service_and_a_foreign_issuer_stop_the_start(
    given: dict[str, str], problem: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Environment.read({f"CHATDESK_PORTAL_GOOGLE_{name}": value for name, value in given.items()})
    assert str(refused.value) == f"CHATDESK_PORTAL_GOOGLE_{problem}"
