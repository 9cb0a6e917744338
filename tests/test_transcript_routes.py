"""adapters.web.transcript_routes: who gets which version, and that each sending is written down [R38]."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from chatdesk.ticket import TicketNumber
from tests.running_desk import ServedDesk, serving
from tests.web_people import Technician, Visitor, signed_in, visitor

FIRST = TicketNumber(1001)
STAFF_PATH = "/console/api/tickets/HD-1001/transcript"


@pytest.fixture
async def desk() -> AsyncIterator[ServedDesk]:
    async with serving() as served:
        yield served


async def talk(dana: Visitor, marcus: Technician) -> None:
    """Have a chat with a public answer and a note in it."""
    await marcus.take("HD-1001")
    await marcus.say(dana.conversation, "Have you tried it?")
    await marcus.say(dana.conversation, "The disk is the old model.", internal=True)
    await dana.say("I have <b>tried</b> it.")


async def sendings(desk: ServedDesk) -> list[tuple[str, str]]:
    file = await desk.running.services.staff_reads.ticket_file(FIRST)
    assert file is not None
    return [(entry.by.name, entry.why) for entry in file.history if entry.what == "transcript sent"]


@pytest.mark.parametrize("form", ["text", "html"])
async def test_a_customer_gets_the_public_version_only(desk: ServedDesk, form: str) -> None:
    async with visitor(desk) as dana, signed_in(desk) as marcus:
        await talk(dana, marcus)
        answer = await dana.get(
            "/widget/transcript", conversation=dana.conversation, format=form, internal="1"
        )
        text = await answer.text()

        assert answer.status == 200
        assert "Have you tried it?" in text
        assert "old model" not in text
        assert await sendings(desk) == [("Dana Reyes", f"public version as {form} to their own browser")]


@pytest.mark.parametrize(("internal", "version"), [("0", "public"), ("1", "internal")])
@pytest.mark.parametrize("form", ["text", "html", "json"])
async def test_staff_choose_the_version(desk: ServedDesk, form: str, internal: str, version: str) -> None:
    async with visitor(desk) as dana, signed_in(desk) as marcus:
        await talk(dana, marcus)
        answer = await marcus.get(STAFF_PATH, format=form, internal=internal)
        text = await answer.text()

        assert answer.status == 200
        assert ("old model" in text) is (version == "internal")
        if form == "json":
            assert json.loads(text)["version"] == version
        name = "HD-1001-transcript" + ("-internal" if version == "internal" else "")
        assert name in answer.headers["Content-Disposition"]
        assert await sendings(desk) == [("Marcus Bell", f"{version} version as {form} to their own browser")]


async def test_the_page_can_be_printed_but_runs_nothing_and_fetches_nothing(desk: ServedDesk) -> None:
    async with visitor(desk) as dana, signed_in(desk) as marcus:
        await talk(dana, marcus)
        answer = await marcus.get(STAFF_PATH, format="html")
        policy = answer.headers["Content-Security-Policy"]

        assert answer.headers["Content-Disposition"].startswith("inline;")
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "unsafe" not in policy
        assert "sandbox" in policy
        assert "&lt;b&gt;tried&lt;/b&gt;" in await answer.text()
        saved = await marcus.get(STAFF_PATH, format="html", save="1")
        assert saved.headers["Content-Disposition"].startswith("attachment;")


async def test_a_foreign_chat_and_an_unknown_one_are_told_alike_and_nothing_is_logged(
    desk: ServedDesk,
) -> None:
    async with visitor(desk) as dana, visitor(desk) as eve:
        foreign = await eve.get("/widget/transcript", conversation=dana.conversation)
        unknown = await eve.get("/widget/transcript", conversation="0" * 32)

        assert foreign.status == unknown.status == 404
        assert await foreign.read() == await unknown.read()
        assert await sendings(desk) == []


@pytest.mark.parametrize("form", ["json", "pdf", "", "TEXT"])
async def test_a_form_that_is_not_offered_is_told_with_those_that_are(desk: ServedDesk, form: str) -> None:
    async with visitor(desk) as dana:
        answer = await dana.get("/widget/transcript", conversation=dana.conversation, format=form)

        assert answer.status == 400
        assert (await answer.json())["message"] == "format: must be one of text, html."
        assert await sendings(desk) == []


@pytest.mark.parametrize("number", ["HD-9999", "XX-1001", "1001", "HD-", "HD-" + "9" * 40])
async def test_an_unknown_ticket_is_not_found(desk: ServedDesk, number: str) -> None:
    async with visitor(desk), signed_in(desk) as marcus:
        answer = await marcus.get(f"/console/api/tickets/{number}/transcript")

        assert answer.status == 404
        assert (await answer.json())["code"] == "not_found"


async def test_a_conversation_of_another_ticket_is_not_found_under_this_one(desk: ServedDesk) -> None:
    async with visitor(desk), visitor(desk) as eve, signed_in(desk) as marcus:
        assert (await marcus.get(STAFF_PATH, conversation=eve.conversation)).status == 404


async def test_nobody_who_is_not_signed_in_gets_a_tickets_transcript(desk: ServedDesk) -> None:
    async with visitor(desk) as dana:
        answer = await dana.http.get(desk.base + STAFF_PATH)

        assert answer.status == 401
        assert await sendings(desk) == []


async def test_a_flood_of_transcripts_is_refused_and_not_logged(desk: ServedDesk) -> None:
    async with visitor(desk) as dana:
        statuses = [
            (await dana.get("/widget/transcript", conversation=dana.conversation)).status for _ in range(31)
        ]
        assert statuses == [200] * 30 + [429]
        assert len(await sendings(desk)) == 30


async def test_a_transcript_that_cannot_be_logged_is_not_handed_out(desk: ServedDesk) -> None:
    async with visitor(desk) as dana:
        desk.running.desk.stop()
        answer = await dana.get("/widget/transcript", conversation=dana.conversation)

        assert answer.status == 503
        assert "It is slow" not in await answer.text()
