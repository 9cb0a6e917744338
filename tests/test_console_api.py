"""The console's API: what each step does, and the lists [R36-R40]."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import quote

import pytest

from chatdesk.bootstrap import now
from tests.console_client import ConsoleClient, console, waiting_chat
from tests.running_desk import ANSWERS, ServedDesk, serving

TOMORROW = (now() + timedelta(days=1)).replace(microsecond=0).isoformat()


@pytest.fixture
async def desk() -> AsyncIterator[ServedDesk]:
    async with serving() as served:
        yield served


@pytest.fixture
async def marcus(desk: ServedDesk) -> AsyncIterator[ConsoleClient]:
    async with console(desk) as client:
        yield client


@pytest.fixture
async def priya(desk: ServedDesk) -> AsyncIterator[ConsoleClient]:
    async with console(desk, "Priya Nair") as client:
        yield client


async def test_a_waiting_chat_is_in_the_queue_and_taken(desk: ServedDesk, marcus: ConsoleClient) -> None:
    async with waiting_chat(desk) as (_, number, conversation):
        shown = (await marcus.get("/tickets?view=queue")).body
        assert [line["number"] for line in shown["waiting"]] == [number]
        assert shown["waiting"][0]["chat"]["phase"] == "waiting"
        assert shown["waiting"][0]["unread"] is True
        assert (await marcus.ticket(number))["ticket"]["can"][0] == "take"
        await marcus.does(f"/tickets/{number}/take")
        ticket = await marcus.ticket(number)
        assert ticket["ticket"]["assignee"]["id"] == marcus.agent
        assert ticket["conversations"][0]["id"] == conversation
        assert ticket["conversations"][0]["state"]["phase"] == "live"
        assert ticket["conversations"][0]["online"] is True
        mine = (await marcus.get("/tickets?view=mine")).body
        assert [line["number"] for line in mine["lines"]] == [number]
        assert (await marcus.get("/tickets?view=queue")).body["waiting"] == []


async def test_the_second_of_two_technicians_is_told_that_it_was_taken(
    desk: ServedDesk, marcus: ConsoleClient, priya: ConsoleClient
) -> None:
    async with waiting_chat(desk) as (_, number, _):
        await marcus.does(f"/tickets/{number}/take")
        late = await priya.post(f"/tickets/{number}/take")
        assert late.status == 409
        assert late.body["code"] == "taken"
        assert number in late.body["message"]
        assert (await priya.ticket(number))["ticket"]["can"][0] == "take_over"


async def test_a_repeated_request_changes_nothing_and_answers_the_same(
    desk: ServedDesk, marcus: ConsoleClient
) -> None:
    async with waiting_chat(desk) as (_, number, _):
        first = await marcus.post(f"/tickets/{number}/take", identity="once")
        history = (await marcus.ticket(number))["history"]
        again = await marcus.post(f"/tickets/{number}/take", identity="once")
        assert again == first
        assert (await marcus.ticket(number))["history"] == history


async def test_an_id_used_for_another_step_is_that_other_step(
    desk: ServedDesk, marcus: ConsoleClient
) -> None:
    async with waiting_chat(desk) as (_, number, _):
        await marcus.post(f"/tickets/{number}/take", identity="one")
        resolved = await marcus.post(f"/tickets/{number}/resolve", {"resolution": "Done."}, identity="one")
        assert resolved.status == 200
        assert (await marcus.ticket(number))["ticket"]["status"] == "closed"


async def test_a_call_that_is_logged_twice_under_one_id_is_one_ticket(marcus: ConsoleClient) -> None:
    body = {"way": "phone", "answers": ANSWERS}
    first = await marcus.post("/tickets", body, identity="call-1")
    again = await marcus.post("/tickets", body, identity="call-1")
    assert again == first
    assert len((await marcus.get("/tickets?view=all")).body["lines"]) == 1


@pytest.mark.parametrize("way", ["phone", "direct"])
async def test_a_contact_is_logged_with_the_surveys_questions(marcus: ConsoleClient, way: str) -> None:
    answer = await marcus.does(
        "/tickets", way=way, answers={**ANSWERS, "category": "Printing", "printer": "NW-1"}
    )
    ticket = (await marcus.ticket(answer["ticket"]))["ticket"]
    assert ticket["requester"] == "Dana Reyes"
    assert {"ask": "Which printer?", "answer": "NW-1"} in ticket["answers"]
    assert ticket["status"] == "new"


async def test_a_logged_contact_names_every_field_at_fault(marcus: ConsoleClient) -> None:
    answer = await marcus.post(
        "/tickets", {"way": "phone", "answers": {**ANSWERS, "name": "  ", "email": "x"}}
    )
    assert answer.status == 422
    assert set(answer.body["fields"]) == {"name", "email"}


async def test_a_ticket_is_handed_over_and_only_to_staff(
    desk: ServedDesk, marcus: ConsoleClient, priya: ConsoleClient
) -> None:
    async with waiting_chat(desk) as (_, number, _):
        await marcus.does(f"/tickets/{number}/take")
        stranger = await marcus.post(f"/tickets/{number}/assign", {"agent": "f" * 16})
        assert (stranger.status, stranger.body["field"]) == (422, "agent")
        await marcus.does(f"/tickets/{number}/assign", agent=priya.agent, reason="Knows printers")
        ticket = await marcus.ticket(number)
        assert ticket["ticket"]["assignee"]["id"] == priya.agent
        assert "Knows printers" in ticket["history"][-1]["why"]


async def test_a_ticket_waits_for_a_date_and_goes_on(desk: ServedDesk, marcus: ConsoleClient) -> None:
    async with waiting_chat(desk) as (_, number, _):
        await marcus.does(f"/tickets/{number}/take")
        past = await marcus.post(f"/tickets/{number}/wait", {"on": "vendor", "until": "2001-01-01T00:00:00Z"})
        assert (past.status, past.body["field"]) == (422, "until")
        naive = await marcus.post(f"/tickets/{number}/wait", {"on": "vendor", "until": "2099-01-01T00:00:00"})
        assert (naive.status, naive.body["field"]) == (422, "until")
        await marcus.does(f"/tickets/{number}/wait", on="vendor", until=TOMORROW, text="Part ordered")
        waiting = (await marcus.ticket(number))["ticket"]
        assert (waiting["status"], waiting["due_at"]) == ("waiting on vendor", None)
        assert waiting["due_because"] == "The clock stands still while the ticket waits."
        await marcus.does(f"/tickets/{number}/resume")
        assert (await marcus.ticket(number))["ticket"]["status"] == "in progress"


async def test_a_question_to_the_customer_is_needed_to_wait_for_them(
    desk: ServedDesk, marcus: ConsoleClient
) -> None:
    async with waiting_chat(desk) as (line, number, _):
        await marcus.does(f"/tickets/{number}/take")
        empty = await marcus.post(f"/tickets/{number}/wait", {"on": "customer", "text": " "})
        assert (empty.status, empty.body["field"]) == (422, "text")
        await marcus.does(f"/tickets/{number}/wait", on="customer", text="Which printer?")
        assert (await marcus.ticket(number))["ticket"]["status"] == "waiting on customer"
        await line.send(t="message", id="m", text="The one upstairs")
        await line.next("ack")
        assert (await marcus.ticket(number))["ticket"]["status"] == "in progress"


async def test_what_the_state_forbids_is_refused_with_the_state_and_the_step(
    desk: ServedDesk, marcus: ConsoleClient
) -> None:
    async with waiting_chat(desk) as (_, number, _):
        answer = await marcus.post(f"/tickets/{number}/resume")
        assert answer.status == 409
        assert answer.body == {"code": "transition", "message": "A ticket that is new cannot be resumed."}


async def test_a_closed_ticket_is_opened_again(desk: ServedDesk, marcus: ConsoleClient) -> None:
    async with waiting_chat(desk) as (_, number, _):
        await marcus.does(f"/tickets/{number}/take")
        await marcus.does(f"/tickets/{number}/resolve", resolution="Restarted it.")
        assert (await marcus.ticket(number))["ticket"]["resolution"] == "Restarted it."
        await marcus.does(f"/tickets/{number}/reopen", reason="It came back")
        assert (await marcus.ticket(number))["ticket"]["status"] == "assigned"


async def test_a_new_ticket_is_cancelled_with_a_reason(marcus: ConsoleClient) -> None:
    number = (await marcus.does("/tickets", way="phone", answers=ANSWERS))["ticket"]
    empty = await marcus.post(f"/tickets/{number}/cancel", {"reason": " "})
    assert (empty.status, empty.body["field"]) == (422, "reason")
    await marcus.does(f"/tickets/{number}/cancel", reason="A test")
    assert (await marcus.ticket(number))["ticket"]["can"] == []


async def test_a_duplicate_is_merged_and_its_conversation_moves(marcus: ConsoleClient) -> None:
    one = (await marcus.does("/tickets", way="phone", answers=ANSWERS))["ticket"]
    two = (await marcus.does("/tickets", way="phone", answers=ANSWERS))["ticket"]
    for wrong, said in (
        ("HD-9999", "There is no ticket HD-9999."),
        ("9999", "There is no ticket HD-9999."),
        ("", "Write a ticket's number, such as HD-1024."),
        ("printer", "Write a ticket's number, such as HD-1024."),
        (one, "A ticket cannot be merged into itself."),
    ):
        for refused in (
            await marcus.get(f"/merge?ticket={one}&into={wrong}"),
            await marcus.post(f"/tickets/{one}/merge", {"into": wrong}),
        ):
            assert (refused.status, refused.body["field"], refused.body["message"]) == (422, "into", said)
    await marcus.does(f"/tickets/{one}/merge", into=f" {two.lower()} ")
    assert (await marcus.ticket(one))["ticket"]["merged_into"] == two
    assert len((await marcus.ticket(two))["conversations"]) == 2


async def test_a_merge_into_another_companys_ticket_is_looked_at_and_confirmed(marcus: ConsoleClient) -> None:
    one = (await marcus.does("/tickets", way="phone", answers=ANSWERS))["ticket"]
    other = ANSWERS | {"company": "Fabrikam", "name": "Sam Okafor", "issue": "Paper jam"}
    two = (await marcus.does("/tickets", way="phone", answers=other))["ticket"]
    looked = await marcus.get(f"/merge?ticket={one}&into={two.removeprefix('HD-')}")
    assert looked.body == {
        "number": two,
        "subject": "Paper jam",
        "requester": "Sam Okafor",
        "company": "Fabrikam",
        "status": "new",
        "other_company": True,
    }
    refused = await marcus.post(f"/tickets/{one}/merge", {"into": two})
    assert (refused.status, refused.body["field"]) == (422, "other_company")
    assert (await marcus.ticket(one))["ticket"]["merged_into"] is None
    await marcus.does(f"/tickets/{one}/merge", into=two, other_company=True)
    assert (await marcus.ticket(one))["ticket"]["merged_into"] == two


WITH_TIME = "Write the date as a date with a time."


@pytest.mark.parametrize(
    ("step", "body", "field", "said"),
    [
        ("resolve", {}, "resolution", "Fill in how it was solved."),
        ("resolve", {"resolution": "x" * 20_001}, "resolution", "How it was solved has too many "),
        ("edit", {"priority": "urgent"}, "priority", "Choose the priority from the list."),
        ("wait", {"on": "luck"}, "on", "Choose what the ticket waits for from the list."),
        ("wait", {"on": "date", "until": "soon"}, "until", WITH_TIME),
        ("wait", {"on": "date", "until": "2030-01-01T10:00"}, "until", WITH_TIME),
        ("split", {"messages": ["x"], "conversation": "c", "subject": ""}, "messages", "The messages "),
        ("take", {"colour": 1}, "colour", "colour is no field of this request."),
    ],
)
async def test_what_is_wrong_with_a_request_is_said_in_words_that_name_the_field(
    marcus: ConsoleClient, step: str, body: dict[str, object], field: str, said: str
) -> None:
    refused = await marcus.post(f"/tickets/HD-1001/{step}", body)
    assert (refused.status, refused.body["field"]) == (422, field)
    assert refused.body["message"].startswith(said)
    assert refused.body["fields"][field] == refused.body["message"]


async def test_an_unrelated_matter_is_split_off(desk: ServedDesk, marcus: ConsoleClient) -> None:
    async with waiting_chat(desk) as (_, number, conversation):
        await marcus.does(f"/tickets/{number}/take")
        body = {"conversation": conversation, "messages": [1], "subject": "Another matter"}
        await marcus.does(f"/tickets/{number}/split", **body)
        newest = (await marcus.get("/tickets?view=all")).body["lines"][0]
        assert (newest["subject"], newest["number"]) == ("Another matter", "HD-1002")
        assert (await marcus.ticket("HD-1002"))["ticket"]["linked_to"] == number
        foreign = await marcus.post("/tickets/HD-1002/split", body)
        assert foreign.status == 404


async def test_priority_type_and_the_rest_are_edited(desk: ServedDesk, marcus: ConsoleClient) -> None:
    async with waiting_chat(desk) as (_, number, _):
        before = (await marcus.ticket(number))["ticket"]
        assert (before["priority"], before["confirmed"]) == ("low", False)
        await marcus.does(
            f"/tickets/{number}/edit",
            priority="high",
            type="question",
            subject="Slow laptop",
            workaround="Use the spare one",
            needed_by=TOMORROW,
        )
        after = (await marcus.ticket(number))["ticket"]
        assert (after["priority"], after["confirmed"], after["type"]) == ("high", True, "question")
        assert (after["subject"], after["workaround"]) == ("Slow laptop", "Use the spare one")
        assert after["due_at"] != before["due_at"]
        await marcus.does(f"/tickets/{number}/edit", type="incident")
        assert (await marcus.ticket(number))["ticket"]["needed_by"] == after["needed_by"]
        await marcus.does(f"/tickets/{number}/edit", needed_by=None)
        assert (await marcus.ticket(number))["ticket"]["needed_by"] is None
        refused = await marcus.post(f"/tickets/{number}/edit", {"subject": " "})
        assert (refused.status, refused.body["field"]) == (422, "subject")
        unknown = await marcus.post(f"/tickets/{number}/edit", {"priority": "urgent"})
        assert (unknown.status, unknown.body["field"]) == (422, "priority")


async def test_a_chat_is_joined_and_ended(
    desk: ServedDesk, marcus: ConsoleClient, priya: ConsoleClient
) -> None:
    async with waiting_chat(desk) as (_, number, conversation):
        await marcus.does(f"/tickets/{number}/take")
        await priya.does(f"/conversations/{conversation}/join")
        state = (await marcus.ticket(number))["conversations"][0]["state"]
        assert state["agents"] == [marcus.agent, priya.agent]
        await priya.does(f"/conversations/{conversation}/end")
        ended = await marcus.ticket(number)
        assert ended["conversations"][0]["state"]["phase"] == "ended"
        assert ended["ticket"]["active"] is True


async def test_pages_of_a_list_follow_one_another_without_gap_or_repetition(marcus: ConsoleClient) -> None:
    numbers = [(await marcus.does("/tickets", way="phone", answers=ANSWERS))["ticket"] for _ in range(61)]
    for view, expected in (("all", list(reversed(numbers))), ("queue", numbers)):
        first = (await marcus.get(f"/tickets?view={view}")).body
        assert len(first["lines"]) == 50
        rest = (await marcus.get(f"/tickets?view={view}&page={quote(first['next'])}")).body
        assert rest["next"] == ""
        assert [line["number"] for line in first["lines"] + rest["lines"]] == expected
    counts = (await marcus.get("/counts")).body
    assert (counts["queue"], counts["mine"]) == (61, 0)


@pytest.mark.parametrize("text", ["dana", "CONTOSO", "slow", "1001", "hd-1001", "dana@contoso.example"])
async def test_a_search_finds_by_number_name_company_subject_and_address(
    marcus: ConsoleClient, text: str
) -> None:
    number = (await marcus.does("/tickets", way="phone", answers=ANSWERS))["ticket"]
    found = (await marcus.get(f"/tickets?view=all&text={text}")).body
    assert [line["number"] for line in found["lines"]] == [number]


async def test_a_search_tells_where_the_words_are_in_pieces_of_text(
    desk: ServedDesk, marcus: ConsoleClient
) -> None:
    async with waiting_chat(desk) as (line, number, _):
        await line.send(t="message", id="m", text="x " * 60 + "The <b>paper</b> tray" + " y" * 90)
        await line.next("ack")
        (found,) = (await marcus.get("/tickets?view=all&text=paper")).body["lines"]
        assert found["number"] == number
        assert found["marked"] == [found["subject"]]
        before, word, after = found["found"]["pieces"]
        assert (found["found"]["where"], word) == ("message", "paper")
        assert before.startswith("…") and before.endswith("The <b>")
        assert after.startswith("</b> tray") and after.endswith("…")
        (subject,) = (await marcus.get("/tickets?view=all&text=SLOW")).body["lines"]
        assert "slow" in subject["marked"][1::2]
        assert subject["found"] is None
        (listed,) = (await marcus.get("/tickets")).body["waiting"]
        assert "marked" not in listed


async def test_nothing_of_the_visitors_secret_leaves_the_desk(
    desk: ServedDesk, marcus: ConsoleClient
) -> None:
    async with waiting_chat(desk) as (_, number, conversation):
        stored = await desk.running.database.reader.execute_query_dict("SELECT visitor FROM conversation")
        shown = json.dumps([await marcus.ticket(number), (await marcus.get("/tickets")).body])
        assert conversation in shown
        assert stored[0]["visitor"] not in shown


async def test_who_was_disabled_is_refused_at_once(desk: ServedDesk, marcus: ConsoleClient) -> None:
    assert (await marcus.get("/me")).status == 200
    await desk.running.staff.disable("marcus@northwind.example", now())
    assert (await marcus.get("/me")).status == 401
    assert (await marcus.post("/tickets/HD-1001/take")).status == 401


async def test_a_disabled_technician_is_not_offered_tickets(
    desk: ServedDesk, marcus: ConsoleClient, priya: ConsoleClient
) -> None:
    await desk.running.staff.disable("priya@northwind.example", now())
    staff = (await marcus.get("/me")).body["staff"]
    assert priya.agent not in [each["id"] for each in staff]
    number = (await marcus.does("/tickets", way="phone", answers=ANSWERS))["ticket"]
    refused = await marcus.post(f"/tickets/{number}/assign", {"agent": priya.agent})
    assert (refused.status, refused.body["field"]) == (422, "agent")


async def test_people_whom_a_ticket_affects_are_added_shown_and_taken_off(
    desk: ServedDesk, marcus: ConsoleClient
) -> None:
    async with waiting_chat(desk) as (_, number, _):
        path = f"/tickets/{number}/affected"
        for _ in range(2):
            await marcus.does(path, address=" Pat@contoso.example", name="Pat\x00 Lee")
        shown = await marcus.ticket(number)
        assert shown["ticket"]["affected"] == [{"name": "Pat Lee", "address": "Pat@contoso.example"}]
        (entry,) = (each for each in shown["history"] if each["what"] == "affected person added")
        assert (entry["by"]["name"], entry["why"]) == ("Marcus Bell", "Pat Lee (Pat@contoso.example)")
        for address in ("", "pat", "dana@contoso.example"):
            refused = await marcus.post(path, {"address": address})
            assert (refused.status, refused.body["field"]) == (422, "address")
        for internal in "10":
            asked = f"/console/api/tickets/{number}/transcript?format=text&internal={internal}"
            async with marcus.session.get(desk.base + asked) as answer:
                assert ("Pat Lee" in await answer.text()) is (internal == "1")
        await marcus.does(path, address="pat@CONTOSO.example", affected=False)
        assert (await marcus.ticket(number))["ticket"]["affected"] == []
        assert (await marcus.post("/tickets/HD-9999/affected", {"address": "a@b.example"})).status == 404
