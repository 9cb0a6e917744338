"""The commands: what they print, their exit codes, and that they work beside a running server."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from chatdesk.cli.commands import application
from chatdesk.events import TicketAffects
from chatdesk.ticket import TicketNumber
from tests import postgres_server
from tests.core_builders import survey
from tests.desk_builders import MARCUS, TUESDAY
from tests.running_desk import (
    ANSWERS,
    REPOSITORY,
    ServerProcess,
    cookies_from,
    customer,
    database_url,
    serving,
)

runner = CliRunner()


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder of its own, and on PostgreSQL its database; nothing else is set."""
    for name in ("CONFIG", "SECRET", "HOST", "PORT", "DATABASE_URL"):
        monkeypatch.delenv(f"CHATDESK_{name}", raising=False)
    folder = tmp_path / "var"
    monkeypatch.setenv("CHATDESK_DATA", str(folder))
    if postgres_server.wanted_everywhere():
        monkeypatch.setenv("CHATDESK_DATABASE_URL", database_url(folder))
    return folder


@pytest.fixture
def made_folder(data: Path) -> Path:
    """The data folder, empty, for a desk of the test's own."""
    data.mkdir()
    return data


async def make_ticket(folder: Path) -> None:
    """Have a customer open a ticket and wait, on a desk that is over then."""
    async with serving(data=folder) as desk, customer(desk.base) as dana:
        await dana.next("ready")
        await dana.send(t="start", id="1", answers=ANSWERS | {"issue": "It is [bold]slow[/bold] \x1b[31m"})
        await dana.next("ready")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with one ticket of a customer who waits; to be copied, not used."""
    folder = tmp_path_factory.mktemp("made")
    if not postgres_server.wanted_everywhere():
        asyncio.run(make_ticket(folder))
    return folder


@pytest.fixture
def tickets(made: Path, data: Path) -> Path:
    """A data folder with one ticket."""
    shutil.copytree(made, data)
    if postgres_server.wanted_everywhere():
        asyncio.run(make_ticket(data))
    return data


def exists(path: Path) -> bool:
    return path.exists()


async def invoke(*arguments: str, input: str | None = None) -> Result:  # noqa: A002 - the runner's own word
    """Run a command as it runs by itself: outside this test's event loop."""
    return await asyncio.to_thread(runner.invoke, application, arguments, input=input)


async def test_the_version_is_printed() -> None:
    result = await invoke("--version")
    assert result.exit_code == 0
    assert result.stdout.startswith("chatdesk ")


async def test_an_unknown_command_is_a_usage_error() -> None:
    assert (await invoke("frobnicate")).exit_code == 2


async def test_check_prints_the_demonstration_desk(data: Path) -> None:
    result = await invoke("check")
    assert result.exit_code == 0
    for words in (
        "Northwind IT",
        "Monday to Friday, 8:30 AM to 5:00 PM",
        "What is happening? *",
        'data-desk="contoso"',
        "5bd",
    ):
        assert words in result.stdout


async def test_check_names_the_next_occurrences_of_each_maintenance_window(data: Path) -> None:
    shown = (await invoke("check")).stdout.partition("\nMaintenance\n")[2]
    assert "Windows patching" in shown
    assert len(re.findall(r"Wed \d{4}-\d\d-\d\d 01:00 E[DS]T +04:00 E[DS]T +05:00 E[DS]T", shown)) == 3
    assert "from 17:00 on the day before" in shown


async def test_check_of_a_desk_without_maintenance_says_nothing_of_it(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "chatdesk.toml"
    file.write_text('[desk]\nname = "Northwind IT"\n', encoding="utf-8")
    monkeypatch.setenv("CHATDESK_CONFIG", str(file))
    assert "Maintenance" not in (await invoke("check")).stdout


async def test_check_lists_the_tiers_of_a_desk_that_has_some(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "Tiers" not in (await invoke("check")).stdout
    monkeypatch.setenv("CHATDESK_CONFIG", str(REPOSITORY / "chatdesk.toml.example"))
    shown = (await invoke("check")).stdout.partition("\nTiers\n")[2]
    assert re.search(r"second +Second line +priya@northwind\.example +direct messages", shown)


async def test_check_says_what_the_portal_still_lacks(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "The customer portal is not offered: there is no service to sign in with."
    assert said not in (await invoke("check")).stdout
    monkeypatch.setenv("CHATDESK_CONFIG", str(REPOSITORY / "chatdesk.toml.example"))
    checked = (await invoke("check")).stdout
    assert said in checked
    assert "Customer portal" not in checked

    monkeypatch.setenv("CHATDESK_PORTAL_GOOGLE_CLIENT_ID", "an-id")
    assert "CHATDESK_PORTAL_GOOGLE_CLIENT_SECRET: is not set" in (await invoke("check")).stderr
    monkeypatch.setenv("CHATDESK_PORTAL_GOOGLE_CLIENT_SECRET", "a-secret")
    checked = (await invoke("check")).stdout
    assert "The customer portal needs desk.public_url" in checked
    assert "Customer portal" in checked

    file = tmp_path / "chatdesk.toml"
    monkeypatch.setenv("CHATDESK_CONFIG", str(file))
    desk = '[desk]\nname = "Northwind IT"\npublic_url = "https://desk.example.com"\n'
    file.write_text(desk)
    assert "[channels] has no portal: it is not offered" in (await invoke("check")).stdout
    file.write_text(f"{desk}[channels]\nportal = {{}}\n")
    checked = (await invoke("check")).stdout
    assert "https://desk.example.com/portal/sign-in/google/answer" in checked
    assert "a-secret" not in checked


async def test_check_says_what_serving_the_desk_still_lacks(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "chatdesk.toml"
    monkeypatch.setenv("CHATDESK_CONFIG", str(file))
    desk = '[desk]\nname = "Northwind IT"\n'
    file.write_text(desk)
    shown = (await invoke("check")).stdout
    assert re.search(r"Outgoing mail +not set up: mail is kept and not sent", shown)
    assert "Slack " not in shown and "Teams " not in shown
    file.write_text(
        f'{desk}[staff.slack]\nchannel = "C0TRIAGE"\n[staff.teams]\nchannel = "19:abc@thread.tacv2"\n'
    )
    shown = (await invoke("check")).stdout
    assert re.search(r"Slack +SLACK_BOT_TOKEN: is not set", shown)
    assert re.search(r"Teams +TEAMS_TENANT_ID: is not set", shown)
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-a-secret")
    monkeypatch.setenv("SLACK_SIGNING_SECRET", "another-secret")
    monkeypatch.setenv("CHATDESK_SMTP_URL", "smtps://mail.example.com")
    shown = (await invoke("check")).stdout
    assert re.search(r"Slack +set up", shown)
    assert re.search(r"Outgoing mail +mail\.example\.com", shown)
    assert "xoxb" not in shown and "another-secret" not in shown


async def test_check_names_a_variable_that_nothing_reads(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "CHATDESK_TRUSTED_PROXY" not in (await invoke("check")).stdout
    monkeypatch.setenv("CHATDESK_TRUSTED_PROXY", "127.0.0.1")
    shown = (await invoke("check")).stdout
    assert 'CHATDESK_TRUSTED_PROXY. Did you mean "CHATDESK_TRUSTED_PROXIES"?' in shown


async def test_check_prints_each_problem_of_the_file_on_its_own_line(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "chatdesk.toml"
    file.write_text('[desk]\nname = ""\ntimezone = "Nowhere/Land"\n')
    monkeypatch.setenv("CHATDESK_CONFIG", str(file))
    result = await invoke("check")
    assert result.exit_code == 2
    errors = result.stderr.splitlines()
    assert len(errors) >= 2
    assert all(line.startswith("error: ") for line in errors)
    assert any("timezone" in line for line in errors)


async def test_serve_without_a_secret_does_not_start(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATDESK_CONFIG", str(REPOSITORY / "chatdesk.toml.example"))
    result = await invoke("serve")
    assert result.exit_code == 2
    assert "CHATDESK_SECRET: is not set" in result.stderr
    assert not exists(data)


async def test_demo_refuses_to_be_seen_from_elsewhere(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATDESK_HOST", "0.0.0.0")
    result = await invoke("demo")
    assert result.exit_code == 2
    assert "CHATDESK_HOST" in result.stderr


@pytest.mark.sqlite("the command makes SQLite's file; a server's database is made by others")
async def test_migrate_makes_a_database_and_may_run_again(data: Path) -> None:
    assert (await invoke("migrate")).exit_code == 0
    assert exists(data / "chatdesk.sqlite3")
    assert (await invoke("migrate")).exit_code == 0


@pytest.mark.sqlite("only a file can be missing; a server is asked when it is opened")
async def test_reading_without_a_database_says_where_it_was_looked_for(data: Path) -> None:
    result = await invoke("tickets", "list")
    assert result.exit_code == 2
    assert str(data / "chatdesk.sqlite3") in result.stderr
    assert not exists(data)


async def test_an_account_is_opened_listed_and_closed(data: Path) -> None:
    password = "correct horse battery"
    added = await invoke(
        "agent", "add", "--name", "Ann Lee", "--email", "Ann@X.example", "--password-stdin", input=password
    )
    assert added.exit_code == 0, added.stderr
    assert password not in added.output
    listed = json.loads((await invoke("agent", "list", "--json")).stdout)
    assert [(one["name"], one["email"], one["disabled_at"]) for one in listed] == [
        ("Ann Lee", "ann@x.example", None)
    ]
    again = await invoke("agent", "add", "--name", "Ann", "--email", "ann@x.example", "--link")
    assert again.exit_code == 1
    assert "has an account already" in again.stderr
    assert (await invoke("agent", "disable", "ann@x.example")).exit_code == 0
    assert (await invoke("agent", "link", "ann@x.example")).exit_code == 3
    assert (await invoke("agent", "disable", "nobody@x.example")).exit_code == 3


async def test_a_password_is_asked_for_twice(data: Path) -> None:
    arguments = ("agent", "add", "--name", "Ann", "--email", "ann@x.example")
    differing = await invoke(*arguments, input="correct horse battery\nanother one\n\n")
    assert differing.exit_code != 0
    same = await invoke(*arguments, input="correct horse battery\ncorrect horse battery\n")
    assert same.exit_code == 0
    assert "correct horse" not in same.output


@pytest.mark.parametrize("password", ["", "short", "aaaaaaaaaaaaaaaa", "ann is my name", "x" * 201])
async def test_a_password_that_is_easily_guessed_is_refused(data: Path, password: str) -> None:
    arguments = ("agent", "add", "--name", "Ann", "--email", "ann@x.example", "--password-stdin")
    result = await invoke(*arguments, input=password)
    assert result.exit_code == 2
    assert "password" in result.stderr
    assert not exists(data)


@pytest.mark.parametrize("email", ["", "ann", "ann@", "@x.example", "a b@x.example", "a@b@x.example"])
async def test_an_address_that_is_none_is_refused(data: Path, email: str) -> None:
    result = await invoke("agent", "add", "--name", "Ann", "--email", email, "--link")
    assert result.exit_code == 2
    assert "--email" in result.stderr


async def test_tickets_are_listed_and_found(tickets: Path) -> None:
    listed = json.loads((await invoke("tickets", "list", "--json")).stdout)
    assert [ticket["number"] for ticket in listed["tickets"]] == ["HD-1001"]
    assert "HD-1001" in (await invoke("tickets", "list", "--view", "all", "--search", "slow")).stdout
    assert "no such tickets" in (await invoke("tickets", "list", "--company", "Fabrikam")).stdout


async def test_a_page_that_no_list_has_named_is_an_error(tickets: Path) -> None:
    refused = await invoke("tickets", "list", "--page", "zzz")
    assert (refused.exit_code, refused.stderr) == (
        1,
        "error: There is no such page. Leave it out to begin at the first.\n",
    )


async def test_texts_are_found_best_first_and_their_control_characters_are_not_printed(tickets: Path) -> None:
    found = json.loads((await invoke("tickets", "search", "slow", "--json")).stdout)["found"]
    assert [(one["ticket"], one["where"]) for one in found] == [("HD-1001", "ticket"), ("HD-1001", "message")]
    assert all(one["marked"][1] == "slow" for one in found)
    shown = await invoke("tickets", "search", "it", "slo")
    assert "It is [bold]slow[/bold]" in shown.stdout
    assert "\x1b" not in shown.stdout
    assert "Nothing has all of these words." in (await invoke("tickets", "search", "slow", "fast")).stdout


async def test_a_ticket_is_shown_whole_and_its_text_is_harmless(tickets: Path) -> None:
    result = await invoke("tickets", "show", "hd-1001")
    assert result.exit_code == 0
    for words in ("Dana Reyes", "Timeline", "History", "opened", "[bold]slow[/bold]"):
        assert words in result.stdout
    assert "\x1b" not in result.stdout


async def test_a_ticket_is_shown_with_the_customers_rating(made_folder: Path) -> None:
    async with serving(data=made_folder) as desk, customer(desk.base) as dana:
        await dana.next("ready")
        await dana.send(t="start", id="1", answers=ANSWERS)
        await dana.next("ready")
        await dana.send(t="end", id="2", solved=True)
        await dana.next("ack")
        await dana.send(t="rate", id="3", score=4, comment="Quick, and [bold]kind[/bold]")
        await dana.next("ack")
    assert "4 of 5: Quick, and [bold]kind[/bold]" in (await invoke("tickets", "show", "1001")).stdout
    (rating,) = json.loads((await invoke("tickets", "show", "1001", "--json")).stdout)["ratings"]
    assert (rating["score"], rating["comment"]) == (4, "Quick, and [bold]kind[/bold]")


async def test_a_ticket_is_shown_with_whom_it_affects_besides(made_folder: Path) -> None:
    async with serving(data=made_folder) as desk:
        await desk.running.desk.receive(survey())
        affects = TicketAffects(
            at=TUESDAY, channel="web", external_id="pat", ticket=TicketNumber(1001), agent=MARCUS,
            address="pat@contoso.example", name="Pat Lee",
        )  # fmt: skip
        await desk.running.desk.receive(affects)
    shown_whole = (await invoke("tickets", "show", "1001")).stdout
    assert re.search(r"Also affected +Pat Lee \(pat@contoso\.example\)", shown_whole)
    shown = json.loads((await invoke("tickets", "show", "1001", "--json")).stdout)
    assert shown["affected"] == [{"name": "Pat Lee", "address": "pat@contoso.example"}]


async def test_a_ticket_is_shown_to_programs(tickets: Path) -> None:
    shown = json.loads((await invoke("tickets", "show", "1001", "--json")).stdout)
    assert shown["status"] == "new"
    assert shown["history"][0]["what"] == "opened"
    assert {message["role"] for message in shown["messages"]} == {"customer", "desk"}


@pytest.mark.parametrize("number", ["HD-9999", "XX-1001", "nonsense", "HD-99999999999999999999"])
@pytest.mark.parametrize("command", [("tickets", "show"), ("explain",), ("transcript",)])
async def test_a_ticket_that_is_not_there_has_an_exit_code_of_its_own(
    tickets: Path, command: tuple[str, ...], number: str
) -> None:
    result = await invoke(*command, number)
    assert result.exit_code == 3
    assert "was not found" in result.stderr


async def test_a_ticket_is_explained_with_its_rules(tickets: Path) -> None:
    result = await invoke("explain", "HD-1001")
    assert "sla.low.respond = 24h, counted on elapsed time" in result.stdout
    assert "first response: " in result.stdout
    explained = json.loads((await invoke("explain", "HD-1001", "--json")).stdout)
    assert explained["steps"][0]["status"] == "new"
    assert [due["what"] for due in explained["dues"]] == ["first response", "resolution"]


async def test_a_transcript_is_printed_and_noted_in_the_history(tickets: Path) -> None:
    result = await invoke("transcript", "HD-1001")
    assert result.exit_code == 0
    assert "Transcript of HD-1001" in result.stdout
    history = json.loads((await invoke("tickets", "show", "1001", "--json")).stdout)["history"]
    assert history[-1]["what"] == "transcript sent"
    assert history[-1]["why"] == "public version as text to the terminal"


async def test_a_transcript_is_written_to_a_file(tickets: Path, tmp_path: Path) -> None:
    target = tmp_path / "chat.json"
    result = await invoke("transcript", "1001", "--format", "json", "--internal", "--output", str(target))
    assert result.exit_code == 0
    assert json.loads(target.read_text())["version"] == "internal"


async def test_every_transcript_is_written_to_a_folder(tickets: Path, tmp_path: Path) -> None:
    folder = tmp_path / "transcripts"
    result = await invoke("transcript", "--all", "--format", "html", "--output", str(folder))
    assert result.exit_code == 0, result.stderr
    assert [file.name for file in folder.iterdir()] == ["HD-1001-1.html"]


@pytest.mark.parametrize("arguments", [(), ("--all",), ("HD-1001", "--all", "--output", "x")])
async def test_a_transcript_needs_a_ticket_or_a_folder_for_all(
    tickets: Path, arguments: tuple[str, ...]
) -> None:
    assert (await invoke("transcript", *arguments)).exit_code == 2


async def test_a_conversation_the_ticket_does_not_have_is_not_found(tickets: Path) -> None:
    assert (await invoke("transcript", "1001", "--conversation", "2")).exit_code == 3


@pytest.mark.crash
async def test_commands_that_write_work_beside_a_running_server(data: Path) -> None:
    async with ServerProcess(data) as server, customer(server.base) as dana:
        await dana.next("ready")
        await dana.send(t="start", id="1", answers=ANSWERS)
        await dana.next("ready")

        async def talk() -> None:
            for number in range(40):
                await dana.send(t="message", id=f"m{number}", text=f"message {number}")
            for _ in range(40):
                await dana.next("ack")

        async def export() -> list[int]:
            return [(await invoke("transcript", "1001")).exit_code for _ in range(5)]

        _, codes = await asyncio.gather(talk(), export())
        assert codes == [0] * 5
        added = await invoke("agent", "add", "--name", "Ann", "--email", "ann@x.example", "--link")
        link = added.stdout.splitlines()[-1]
        assert await cookies_from(link.replace("http://127.0.0.1:8080", server.base))
        shown = json.loads((await invoke("tickets", "show", "1001", "--json")).stdout)
    assert [entry["what"] for entry in shown["history"]].count("transcript sent") == 5
    assert len([one for one in shown["messages"] if one["text"].startswith("message ")]) == 40


@pytest.mark.crash
async def test_a_process_of_its_own_prints_an_error_without_a_stack_trace(data: Path) -> None:
    process = ServerProcess(data, ("serve",))
    with pytest.raises(AssertionError, match="CHATDESK_SECRET: is not set"):
        await process.start()
    assert await process.wait() == 2
    assert not any("Traceback" in line for line in process.output)
