"""The secrets of companies' sites: read, checked before a desk starts, never shown [threat 2]."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from adapters.web.identity_token import check_identity
from chatdesk.bootstrap import now
from chatdesk.cli.commands import application
from chatdesk.cli.setting import demo_setting, serve_setting
from chatdesk.config import Environment
from chatdesk.errors import ConfigurationError
from chatdesk.settings.identity import VARIABLE
from chatdesk.site_identity import VouchedPerson
from tests.site_tokens import DESK, OLD_SECRET, OTHER_SECRET, SECRET, WIDGET

BOTH = f"contoso={SECRET} fabrikam={OTHER_SECRET}"
Run = Callable[..., Result]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The file of a desk that takes identities."""
    found = tmp_path / "chatdesk.toml"
    found.write_text(DESK, encoding="utf-8")
    return found


@pytest.fixture
def run(file: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command on that desk with these secrets."""

    def command(*arguments: str, secrets: str = BOTH) -> Result:
        monkeypatch.setenv("CHATDESK_CONFIG", str(file))
        monkeypatch.setenv(VARIABLE, secrets)
        return CliRunner().invoke(application, list(arguments))

    return command


def refusal(secrets: str, **environ: str) -> str:
    with pytest.raises(ConfigurationError) as refused:
        Environment.read({VARIABLE: secrets, **environ})
    return str(refused.value)


def test_each_company_has_its_secret_and_while_it_is_changed_the_old_one_too() -> None:
    found = Environment.read({VARIABLE: f"contoso={SECRET}\n fabrikam={OTHER_SECRET} contoso={OLD_SECRET}"})
    assert found.identities.of("contoso") == (SECRET, OLD_SECRET)
    assert found.identities.of("fabrikam") == (OTHER_SECRET,)
    assert found.identities.of("acme") == found.identities.of(None) == ()
    assert "signs-with" not in repr(found)


def test_a_secret_may_hold_the_sign_that_stands_before_it() -> None:
    assert Environment.read({VARIABLE: f"contoso={SECRET}=="}).identities.of("contoso") == (f"{SECRET}==",)


@pytest.mark.parametrize(
    ("secrets", "problem"),
    [
        ("contoso=" + "x" * 31, "entry 1 has a secret of 31 bytes; give 32 or more random characters."),
        (f"contoso={SECRET} fabrikam=short", "entry 2 has a secret of 5 bytes; give 32 or more random"),
        (SECRET, "entry 1 is not a company's id, = and its secret."),
        (f"={SECRET}", "entry 1 is not a company's id, = and its secret."),
        (f"contoso={SECRET} fabrikam={SECRET}", "entry 2 has a secret that stands elsewhere already."),
        (f"contoso={SECRET} contoso={SECRET}", "entry 2 has a secret that stands elsewhere already."),
        (
            f"contoso={SECRET} contoso={OLD_SECRET} contoso={OTHER_SECRET}",
            "has 3 secrets of one company; 2 can be good at once.",
        ),
    ],
)
def test_a_secret_that_cannot_be_used_stops_the_start_and_is_not_repeated(secrets: str, problem: str) -> None:
    told = refusal(secrets)
    assert told.startswith(f"{VARIABLE}: {problem}")
    assert SECRET not in told


def test_the_desks_own_secret_is_no_companys() -> None:
    assert "stands elsewhere already" in refusal(f"contoso={SECRET}", CHATDESK_SECRET=SECRET)


@pytest.mark.parametrize("reads", [serve_setting, demo_setting])
def test_file_and_secrets_have_to_fit_before_a_desk_starts(
    file: Path, tmp_path: Path, reads: Callable[..., object]
) -> None:
    environ = {
        "CHATDESK_CONFIG": str(file),
        "CHATDESK_SECRET": "s" * 32,
        "CHATDESK_DATA": str(tmp_path / "data"),
    }
    reads({**environ, VARIABLE: BOTH})
    with pytest.raises(ConfigurationError) as refused:
        reads({**environ, VARIABLE: f"fabrikam={OTHER_SECRET} acme={SECRET}"})
    assert str(refused.value).splitlines() == [
        f"{VARIABLE}: has no secret of contoso, whose identity is offered; "
        "add contoso= and 32 or more random characters.",
        f"{VARIABLE}: has a secret whose company is not in the desk's file.",
    ]
    file.write_text(DESK.replace('identity = "required"', ""), encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r'identity = "offered" in \[companies\.fabrikam\] too'):
        reads({**environ, VARIABLE: BOTH})


def test_the_command_prints_a_token_that_the_desk_takes(run: Run) -> None:
    person = ("--email", "Dana@contoso.example", "--name", "Dana Reyes", "--phone", "555-0134")
    result = run("identity-token", "--widget", WIDGET, *person)
    assert result.exit_code == 0, result.output
    found = check_identity(result.stdout.strip(), (SECRET,), WIDGET, now())
    assert found == VouchedPerson("dana@contoso.example", "Dana Reyes", "555-0134")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (
            ("--widget", "desk", "--email", "a@b.example", "--name", "A"),
            "write one of: contoso-web, fabrikam-web.",
        ),
        (("--widget", WIDGET, "--email", "dana", "--name", "Dana"), "its address or name cannot be used."),
    ],
)
def test_the_command_says_why_it_makes_no_token(run: Run, arguments: tuple[str, ...], problem: str) -> None:
    result = run("identity-token", *arguments)
    assert result.exit_code == 2
    assert problem in " ".join(result.output.split())
    assert SECRET not in result.output


def test_check_says_whose_site_tells_who_its_visitors_are_and_what_is_missing(run: Run) -> None:
    said = run("check", secrets=f"contoso={SECRET}").output
    assert "its site tells who its visitors are: offered\n" in said
    assert (
        f"who its visitors are: required; no secret is set: `chatdesk serve` needs it in {VARIABLE}" in said
    )
    assert SECRET not in said
