"""The customer portal: one's tickets, what can be done to them, and that staff see it at once [R33]."""

from __future__ import annotations

import io
import json
import re
from datetime import timedelta
from zoneinfo import ZoneInfo

import aiohttp
import pytest
from yarl import URL

from chatdesk.bootstrap import now
from chatdesk.outbox import MAIL_TARGET
from tests.asking import ask
from tests.portal_people import PORTAL_DESK, browser_of, customer_of, hidden, portal_desk
from tests.running_desk import ServedDesk, database_url
from tests.web_people import PNG, signed_in

DANA, LEE = "dana@contoso.example", "lee@contoso.example"


async def test_a_customer_opens_a_ticket_comments_and_closes_it() -> None:
    async with portal_desk() as (desk, openid), customer_of(desk, openid, "dana@contoso.example") as dana:
        number = await dana.open_ticket("The scanner is jammed")
        _, page = await dana.form(f"/portal/tickets/{number}", do="comment", text="It squeaks too")
        assert "Your comment was added." in page
        assert "It squeaks too" in page
        _, page = await dana.form(f"/portal/tickets/{number}", do="solved")
        assert '<span class="whole">HD-1001</span> is closed.' in page
        _, listed = await dana.get("/portal")
        assert "Past" in listed
        _, page = await dana.form(f"/portal/tickets/{number}", do="comment", text="Jammed again")
        assert "Received" in page
        async with signed_in(desk) as marcus, await marcus.get(f"/console/api/tickets/{number}") as answer:
            seen = await answer.json()
        assert seen["ticket"]["requester"] == "Dana Reyes"


async def test_staff_read_it_in_the_console_and_their_answer_is_on_the_page_and_in_the_mail() -> None:
    async with (
        portal_desk() as (desk, openid),
        customer_of(desk, openid, DANA) as dana,
        signed_in(desk) as marcus,
    ):
        number = await dana.open_ticket("The scanner is jammed")
        async with await marcus.get(f"/console/api/tickets/{number}") as answer:
            (chat,) = (await answer.json())["conversations"]
        await marcus.take(number)
        await marcus.say(chat["id"], "I am on my way, Dana.")
        _, page = await dana.get(f"/portal/tickets/{number}")
        assert "I am on my way, Dana." in page
        assert "In progress" in page
        sent = await mails(desk, "I am on my way, Dana.")
        assert sent == [DANA]


async def mails(desk: ServedDesk, words: str) -> list[str]:
    """Return to whom a mail with these words is queued."""
    query = f"SELECT payload FROM delivery WHERE target = '{MAIL_TARGET}' ORDER BY \"row\""
    payloads = [json.loads(payload) for (payload,) in await ask(database_url(desk.data), query)]
    return [payload["to"] for payload in payloads if words in payload["text"]]


PORTAL = 'portal = { calendar = "never", priority = "low"'


async def test_a_ticket_by_the_portal_has_the_channels_hours_and_priority_and_the_persons_company() -> None:
    text = PORTAL_DESK.replace('portal = { calendar = "always", first_contact = "6h"', PORTAL)
    async with portal_desk(text) as (desk, openid), customer_of(desk, openid, DANA) as dana:
        _, form = await dana.get("/portal/new")
        assert "We are closed now." in form
        for asked in ("email", "company"):
            assert f'name="{asked}"' not in form
        number = await dana.open_ticket("Stuck", email="eve@fabrikam.example", company="Fabrikam")
        query = "SELECT channel, requester_email, company, priority FROM ticket"
        assert await ask(database_url(desk.data), query) == [("portal", DANA, "Contoso", "low")]
        assert await ask(database_url(desk.data), "SELECT company_id FROM conversation") == [("contoso",)]
        assert "Our help desk is closed now." in (await dana.get(f"/portal/tickets/{number}"))[1]


async def test_what_is_written_in_the_portal_goes_to_the_staffs_channels_too() -> None:
    text = f'{PORTAL_DESK}[staff.slack]\nchannel = "C0TRIAGE"\n'
    async with portal_desk(text) as (desk, openid):
        async with customer_of(desk, openid, DANA) as dana:
            number = await dana.open_ticket()
            await dana.form(f"/portal/tickets/{number}", do="comment", text="Any news?")
        query = "SELECT kind, COUNT(*) FROM delivery WHERE target = 'slack' GROUP BY kind ORDER BY kind"
        found = await ask(database_url(desk.data), query)
    assert [tuple(row) for row in found] == [("message", 3), ("ticket", 2)]


async def test_what_was_answered_last_time_is_filled_in() -> None:
    async with portal_desk() as (desk, openid), customer_of(desk, openid, DANA, "Dana Reyes") as dana:
        _, form = await dana.get("/portal/new")
        assert 'value="Dana Reyes"' in form
        await dana.open_ticket(name="Dana R. Reyes", phone="555-0177")
        _, form = await dana.get("/portal/new")
        assert 'value="Dana R. Reyes"' in form
        assert 'value="555-0177"' in form
        assert "It is slow" not in form


async def test_a_form_that_lacks_something_keeps_what_was_typed_and_says_what() -> None:
    async with portal_desk() as (desk, openid), customer_of(desk, openid, DANA) as dana:
        status, page = await dana.form("/portal/new", name=" ", phone="555-0134", issue="<b>It</b> is slow")
        assert status == 422
        assert '<p class="error" id="e-name">Please fill in this field.</p>' in page
        assert "&lt;b&gt;It&lt;/b&gt; is slow</textarea>" in page
        answers = {"name": "Dana", "phone": "555-0134", "issue": "<b>It</b> is slow"}
        status, page = await dana.form("/portal/new", **answers)
        assert (status, "&lt;b&gt;It&lt;/b&gt; is slow" in page) == (200, True)
        assert "<b>It</b>" not in page


async def test_pressing_a_button_twice_does_it_once() -> None:
    async with portal_desk() as (desk, openid), customer_of(desk, openid, DANA) as dana:
        _, form = await dana.get("/portal/new")
        given = {"csrf": hidden(form, "csrf"), "token": hidden(form, "token")}
        answers = {**given, "name": "Dana", "phone": "555-0134", "issue": "It is slow"}
        pages = [await dana.post("/portal/new", answers) for _ in range(2)]
        assert ["HD-1001" in page for _, page in pages] == [True, True]
        _, page = await dana.get("/portal/tickets/HD-1001")
        comment = {**given, "token": hidden(page, "token"), "do": "comment", "text": "Only once"}
        for _ in range(2):
            _, page = await dana.post("/portal/tickets/HD-1001", comment)
        assert page.count("Only once") == 1
        assert (await dana.get("/portal/tickets/HD-1002"))[0] == 404


async def test_the_same_token_in_two_peoples_forms_is_two_forms() -> None:
    async with portal_desk() as (desk, openid), customer_of(desk, openid, DANA) as dana:
        number = await dana.open_ticket()
        token = "0" * 24
        for address in (DANA, LEE):
            async with customer_of(desk, openid, address) as customer:
                path = f"/portal/tickets/{number}"
                _, page = await customer.form(path, token=token, do="comment", text=f"From {address}")
                assert f"From {address}" in page


async def test_the_priority_is_changed_where_the_desk_lets_the_company_do_so() -> None:
    async with portal_desk() as (desk, openid):
        async with customer_of(desk, openid, DANA) as dana:
            number = await dana.open_ticket()
            path = f"/portal/tickets/{number}"
            _, page = await dana.form(path, do="priority", priority="high")
            assert "The priority was changed." in page
            assert '<option value="high" selected>High</option>' in page
            assert "has set the priority of" in page
            status, page = await dana.form(path, do="priority", priority="urgent")
            assert (status, "Please choose one of the priorities." in page) == (422, True)
        async with customer_of(desk, openid, "eve@fabrikam.example") as eve:
            number = await eve.open_ticket()
            path = f"/portal/tickets/{number}"
            assert "Change priority" not in (await eve.get(path))[1]
            status, page = await eve.form(path, do="priority", priority="high")
            assert (status, "This cannot be done here." in page) == (422, True)


async def test_a_comment_that_is_refused_is_kept_in_its_field() -> None:
    text = PORTAL_DESK.replace("[mail]", '[tickets]\nreopen_window = "0m"\n[mail]')
    async with portal_desk(text) as (desk, openid), customer_of(desk, openid, DANA) as dana:
        number = await dana.open_ticket()
        path = f"/portal/tickets/{number}"
        status, page = await dana.form(path, do="comment", text="x" * 20_001)
        assert (status, "Please shorten this to 20,000 characters" in page) == (422, True)
        assert "x" * 20_001 in page
        status, page = await dana.form(path, do="comment", text="")
        assert (status, "Write a message first." in page) == (422, True)
        _, page = await dana.form(path, do="solved")
        assert "cannot be opened again" in page
        assert "<textarea" not in page


async def test_who_writes_too_much_is_asked_to_wait_and_loses_nothing() -> None:
    async with portal_desk() as (desk, openid), customer_of(desk, openid, DANA) as dana:
        path = f"/portal/tickets/{await dana.open_ticket()}"
        _, page = await dana.get(path)
        given = {"csrf": hidden(page, "csrf"), "do": "comment", "text": "Again"}
        answers = [(await dana.post(path, given))[0] for _ in range(60)]
        assert answers[:59] == [200] * 59
        status, page = await dana.post(path, given)
        assert (status, "There were too many at once." in page) == (429, True)
        assert ">Again</textarea>" in page


async def test_maintenance_is_announced_to_who_is_signed_in() -> None:
    # The minute before midnight, in which no window is open, falls into the next day's announcement.
    soon = (now() + timedelta(minutes=2)).astimezone(ZoneInfo("America/New_York"))
    day = soon.strftime("%A").lower()
    window = f'[[maintenance]]\nname = "Windows patching"\non = "{day}"\nwindow = "00:00-23:59"\n'
    async with portal_desk(PORTAL_DESK + window) as (desk, openid):
        async with customer_of(desk, openid, DANA) as dana:
            for path in ("/portal", "/portal/new"):
                assert "Windows patching" in (await dana.get(path))[1]
        async with browser_of(desk, openid) as nobody:
            assert "Windows patching" not in (await nobody.get("/portal"))[1]


async def test_the_portals_own_links_and_colour_are_the_desks_and_the_companys() -> None:
    async with portal_desk() as (desk, openid), customer_of(desk, openid, DANA) as dana:
        _, page = await dana.get("/portal")
        assert '<a href="https://pay.example.com" rel="noreferrer">Invoices</a>' in page
        assert '<a href="https://book.example.com" rel="noreferrer">Book a meeting</a>' in page
        assert "Remote help" not in page
        assert "#0b6e4f" in (await dana.get("/portal/theme.css"))[1]
        async with browser_of(desk, openid) as nobody:
            _, page = await nobody.get("/portal")
            assert "pay.example.com" not in page
            assert "#0b6e4f" not in (await nobody.get("/portal/theme.css"))[1]


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "javascript:alert(1)", "<img src=x onerror=alert(1)>"]
)
async def test_what_customers_write_stays_text(text: str) -> None:
    async with portal_desk() as (desk, openid), customer_of(desk, openid, DANA, text) as dana:
        number = await dana.open_ticket(text)
        for path in ("/portal", f"/portal/tickets/{number}", "/portal/new"):
            _, page = await dana.get(path)
            assert "<script" not in page
            assert "<img" not in page
            assert 'href="javascript' not in page


async def test_its_pages_allow_no_script_and_are_kept_in_no_cache() -> None:
    async with portal_desk() as (desk, openid), customer_of(desk, openid, DANA) as dana:
        number = await dana.open_ticket()
        for path in ("/portal", f"/portal/tickets/{number}", "/portal/new"):
            async with dana.http.get(f"{desk.base}{path}") as answer:
                policy = answer.headers["Content-Security-Policy"]
                assert policy.startswith("default-src 'none'; style-src 'self'")
                assert "script-src" not in policy
                assert answer.headers["Cache-Control"] == "no-store"


async def test_files_come_with_a_comment_and_are_handed_out_to_who_may_read_it() -> None:
    async with portal_desk() as (desk, openid), customer_of(desk, openid, DANA) as dana:
        path = f"/portal/tickets/{await dana.open_ticket()}"
        page = ""
        for name, content in (("one.png", PNG), ("two.txt", b"Two")):
            status, page = await dana.attach(path, "", (name, content), ("", b""))
            assert status == 200, page
        links = dict(re.findall(r'<a href="(/portal/[^"]+/files/\w+)" dir="auto">([^<]+)</a>', page))
        assert sorted(links.values()) == ["one.png", "two.txt"]
        first = next(link for link, name in links.items() if name == "one.png")
        for address, status in ((DANA, 200), (LEE, 200), ("eve@fabrikam.example", 404)):
            async with (
                customer_of(desk, openid, address) as customer,
                customer.http.get(f"{desk.base}{first}") as answer,
            ):
                assert (answer.status, await answer.read() == PNG) == (status, status == 200)
        async with signed_in(desk) as marcus, await marcus.get(f"/console/files/{first[-24:]}") as answer:
            assert await answer.read() == PNG
        conversations = await ask(database_url(desk.data), "SELECT DISTINCT conversation FROM file")
        assert len(conversations) == 1, "the customer's own on the ticket"


@pytest.mark.parametrize(
    ("files", "refused"),
    [
        ([("empty.txt", b"")], "This file is empty."),
        ([(f"{number}.txt", b"x") for number in range(11)], "Please send at most 10 files at once."),
        ([("big.bin", bytes(25 * 1024 * 1024 + 1))], "This file is too large: at most 25 MB can be sent."),
    ],
)
async def test_files_that_are_not_taken_leave_the_comment_in_its_field(
    files: list[tuple[str, bytes]], refused: str
) -> None:
    async with portal_desk() as (desk, openid), customer_of(desk, openid, DANA) as dana:
        path = f"/portal/tickets/{await dana.open_ticket()}"
        status, page = await dana.attach(path, "Look at this", *files)
        assert (status, refused in page) == (422, True)
        assert ">Look at this</textarea>" in page
        assert "/files/" not in page


ASKED = {"name": "Dana Reyes", "phone": "555-0134", "issue": "The scanner is jammed"}


async def test_files_come_with_a_new_ticket_and_staff_and_its_requester_read_them() -> None:
    async with portal_desk() as (desk, openid), customer_of(desk, openid, DANA) as dana:
        status, page = await dana.attach_to_new(ASKED, ("one.png", PNG), ("two.txt", b"Two"))
        assert status == 200, page
        links = re.findall(r'<a href="(/portal/[^"]+/files/\w+)" dir="auto">([^<]+)</a>', page)
        assert [name for _, name in links] == ["one.png", "two.txt"]
        async with dana.http.get(f"{desk.base}{links[0][0]}") as answer:
            assert await answer.read() == PNG
        async with (
            signed_in(desk) as marcus,
            await marcus.get(f"/console/files/{links[1][0][-24:]}") as answer,
        ):
            assert await answer.read() == b"Two"


@pytest.mark.parametrize(
    ("files", "refused"),
    [
        ([("empty.txt", b"")], "This file is empty."),
        ([(f"{number}.txt", b"x") for number in range(11)], "Please send at most 10 files at once."),
        ([("big.bin", bytes(25 * 1024 * 1024 + 1))], "This file is too large: at most 25 MB can be sent."),
        (
            [("big.bin", bytes(27 * 1024 * 1024))],
            "These files are too large: at most 25 MB can be sent at once.",
        ),
    ],
)
async def test_files_that_are_not_taken_open_no_ticket_and_leave_what_was_typed(
    files: list[tuple[str, bytes]], refused: str
) -> None:
    async with portal_desk() as (desk, openid), customer_of(desk, openid, DANA) as dana:
        status, page = await dana.attach_to_new(ASKED, *files)
        assert (status, f"{refused} Please choose your files again." in page) == (422, True)
        assert ">The scanner is jammed</textarea>" in page
        assert 'value="555-0134"' in page
        assert await ask(database_url(desk.data), "SELECT number FROM ticket") == []


async def test_an_answer_that_is_missing_says_that_the_files_have_to_be_chosen_again() -> None:
    async with portal_desk() as (desk, openid), customer_of(desk, openid, DANA) as dana:
        status, page = await dana.attach_to_new({**ASKED, "phone": ""}, ("two.txt", b"Two"))
        assert (status, "Please choose your files again." in page) == (422, True)
        assert ">The scanner is jammed</textarea>" in page


async def test_who_was_signed_out_before_sending_files_gets_back_what_they_typed() -> None:
    async with portal_desk() as (desk, openid), customer_of(desk, openid, DANA) as dana:
        _, page = await dana.get("/portal/new")
        data = aiohttp.FormData({"csrf": hidden(page, "csrf"), "issue": "A long text"})
        data.add_field("files", io.BytesIO(bytes(2 * 1024 * 1024)), filename="two.bin")
        dana.http.cookie_jar.clear()
        headers = {"Origin": desk.base}
        async with dana.http.post(f"{desk.base}/portal/new", data=data, headers=headers) as answer:
            assert (answer.status, "readonly>A long text</textarea>" in await answer.text()) == (401, True)


async def test_a_form_whose_parts_cannot_be_read_is_told_so() -> None:
    async with portal_desk() as (desk, openid), customer_of(desk, openid, DANA) as dana:
        headers = {"Origin": desk.base, "Content-Type": "multipart/form-data; boundary=x"}
        for body in (b"--x\r\n\r\nnameless\r\n--x--\r\n", b"no parts"):
            async with dana.http.post(f"{desk.base}/portal/new", data=body, headers=headers) as answer:
                assert answer.status in (400, 403)


ARTICLES = """
[[articles]]
title = "How does patching work?"
text = "On **Wednesday**. <script>alert(1)</script>"
[[articles]]
title = "How do I print?"
url = "https://help.example.com/print"
"""


async def test_common_questions_are_offered_before_a_new_ticket_is_written() -> None:
    text = PORTAL_DESK + ARTICLES
    async with portal_desk(text) as (desk, openid), customer_of(desk, openid, DANA) as dana:
        _, page = await dana.get("/portal/new")
        assert "<summary>How does patching work?</summary>" in page
        assert "<p>On <strong>Wednesday</strong>. &lt;script&gt;" in page
        assert '<a href="https://help.example.com/print" target="_blank"' in page
        _, page = await dana.form("/portal/new", issue="")
        assert "How does patching work?" not in page, "who has written does not need them any more"
    async with portal_desk() as (desk, openid), customer_of(desk, openid, DANA) as dana:
        assert "Common questions" not in (await dana.get("/portal/new"))[1]


async def test_many_common_questions_are_folded_to_leave_the_form_in_sight() -> None:
    for count, folded in ((5, False), (6, True)):
        text = PORTAL_DESK + "".join(
            f'[[articles]]\ntitle = "Question {number}"\ntext = "Answer"\n' for number in range(count)
        )
        async with portal_desk(text) as (desk, openid), customer_of(desk, openid, DANA) as dana:
            _, page = await dana.get("/portal/new")
        assert page.count("<summary>Question") == count
        assert ("<summary>Common questions</summary>" in page) is folded


async def test_a_company_with_hours_of_its_own_is_shown_and_promised_those() -> None:
    text = PORTAL_DESK.replace('name = "Fabrikam"', 'name = "Fabrikam"\ncalendar = "never"')
    async with portal_desk(text) as (desk, openid):
        async with customer_of(desk, openid, "eve@fabrikam.example") as eve:
            assert "We are closed now." in (await eve.get("/portal/new"))[1]
            number = await eve.open_ticket("Stuck")
            assert "Our help desk is closed now." in (await eve.get(f"/portal/tickets/{number}"))[1]
        async with customer_of(desk, openid, DANA) as dana:
            assert "We are closed now." not in (await dana.get("/portal/new"))[1]


# Of the client: what this test sends at once is what the desk refuses.
@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")
async def test_more_than_a_form_may_bring_is_refused_and_nothing_is_kept() -> None:
    async with portal_desk() as (desk, openid), customer_of(desk, openid, DANA) as dana:
        path = f"/portal/tickets/{await dana.open_ticket()}"
        status, page = await dana.attach(path, "Look", ("big.bin", bytes(27 * 1024 * 1024)))
        assert (status, "These files are too large" in page, ">Look</textarea>" in page) == (422, True, True)
        assert await ask(database_url(desk.data), "SELECT id FROM file") == []
        status, _ = await dana.form("/portal/new", issue="x" * 1_100_000)
        assert status == 413


@pytest.mark.parametrize("written", ["hd-1001", "HD-1001%0d%0aSet-Cookie:%20a=b", "%0d%0aHD-1001%0d%0a"])
async def test_a_deed_leads_to_the_tickets_own_page_however_its_number_was_written(written: str) -> None:
    async with portal_desk() as (desk, openid), customer_of(desk, openid, DANA) as dana:
        number = await dana.open_ticket()
        _, page = await dana.get(f"/portal/tickets/{number}")
        fields = {"csrf": hidden(page, "csrf"), "do": "comment", "text": "Hello"}
        url = URL(f"{desk.base}/portal/tickets/{written}", encoded=True)
        headers = {"Origin": desk.base}
        async with dana.http.post(url, data=fields, headers=headers, allow_redirects=False) as answer:
            assert answer.status in (303, 404)
            assert answer.headers.get("Location") in (None, f"/portal/tickets/{number}?done=comment")


async def test_who_was_signed_out_meanwhile_gets_back_what_they_typed() -> None:
    async with portal_desk() as (desk, openid), customer_of(desk, openid, DANA) as dana:
        path = f"/portal/tickets/{await dana.open_ticket()}"
        _, page = await dana.get(path)
        given = {"csrf": hidden(page, "csrf"), "token": hidden(page, "token"), "do": "comment"}
        dana.http.cookie_jar.clear()
        status, page = await dana.post(path, {**given, "text": "A <long> text"})
        assert (status, "readonly>A &lt;long&gt; text</textarea>" in page) == (401, True)
        assert f'href="/portal/sign-in/google?next={path}"' in page
        assert given["csrf"] not in page
