"""What must never be in the log: secrets, passwords and what people wrote [threat 44]."""

from __future__ import annotations

import secrets
import time
from urllib.parse import quote

import aiohttp
import pytest

from tests.running_desk import cookies_from, customer, serving
from tests.site_tokens import DESK, IDENTITIES, SECRET, WIDGET, claims, token
from tests.web_people import signed_in, visitor

WORDS = "canary-in-a-message"
NAME = "canary-in-a-name"
FILE_NAME = "canary-of-a-file.png"
PASSWORD = "canary-of-a-password"


async def test_no_secret_no_password_and_no_word_of_a_chat_is_logged(
    capfd: pytest.CaptureFixture[str],
) -> None:
    async with serving() as desk, visitor(desk, name=NAME, issue=WORDS) as dana, signed_in(desk) as marcus:
        address = await desk.sign_in_link()
        _ = await dana.http.get(address)
        _ = await cookies_from(address)
        link = address.rpartition("/")[2]
        kept = await (await dana.upload(name=quote(FILE_NAME))).json()
        await dana.say(WORDS, kept["id"])
        await marcus.take("HD-1001")
        await marcus.say(dana.conversation, WORDS, internal=True)
        await dana.get("/widget/transcript", conversation=dana.conversation)
        await dana.get(f"/widget/files/{secrets.token_hex(16)}")
        await dana.line.send(t="nonsense", id="9", text=WORDS)
        await marcus.get(f"/console/api/tickets/{WORDS}")
        await marcus.get("/console/api/tickets", text=WORDS)
        form = {"email": "marcus@northwind.example", "password": PASSWORD}
        await dana.http.post(f"{desk.base}/console/sign-in", data=form, headers={"Origin": desk.base})
        cookie = next(iter(marcus.http.cookie_jar)).value
        held = [dana.secret, marcus.csrf, cookie, link, WORDS, NAME, FILE_NAME, PASSWORD]

    output = "".join(capfd.readouterr())
    assert "/widget/transcript" in output
    assert [canary for canary in held if canary in output] == []


async def test_no_identity_and_no_secret_of_a_site_is_logged_whether_it_is_good_or_not(
    capfd: pytest.CaptureFixture[str],
) -> None:
    now = time.time()
    person = {"email": "canary@contoso.example", "name": NAME, "phone": "555-0166"}
    good, other = token(claims(now, **person)), token(claims(now, **person, aud="desk"))
    head, body, signature = good.split(".")
    given = (
        good,
        other,
        f"{head}.{body}.{signature[::-1]}",
        f"{body}.{body}.{body}",
        good * 40,
        person["email"],
    )
    async with serving(DESK, identities=IDENTITIES, demo=False) as desk, aiohttp.ClientSession() as http:
        for identity in given:
            async with customer(desk.base, widget=WIDGET, identity=identity) as line:
                await line.next("ready")
            hello = {"t": "hello", "v": 1, "visitor": "v" * 32, "identity": identity}
            address = f"{desk.base}/widget/session?key={WIDGET}"
            async with http.post(address, json=hello, headers={"Origin": desk.base}) as answer:
                assert answer.status == 200
        async with customer(desk.base, widget=WIDGET, identity=[good]) as line:
            await line.next("error")

    output = "".join(capfd.readouterr())
    assert "identity_refused" in output
    held = [SECRET, body, signature, signature[::-1], NAME, person["email"], person["phone"]]
    assert [canary for canary in held if canary in output] == []
