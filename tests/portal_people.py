"""Customers of the portal as HTTP clients of a served desk, for tests of its pages."""

from __future__ import annotations

import html
import io
import re
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from tests.fake_openid import DANA, FakeOpenId, fake_openid
from tests.running_desk import ServedDesk, serving

PORTAL_DESK = """
[desk]
name = "Northwind IT"
timezone = "America/New_York"
phone = "555-0100"
email = "help@northwind.example"
[calendars.desk]
mon-fri = "08:30-17:00"
[channels]
web = { calendar = "always" }
form = { calendar = "always" }
email = { calendar = "always" }
portal = { calendar = "always", first_contact = "6h", customer_sets_priority = true }
phone = { calendar = "always" }
[companies.contoso]
name = "Contoso"
domains = ["contoso.example"]
managers = ["lee@contoso.example"]
widget = "contoso"
colour = "#0b6e4f"
[companies.fabrikam]
name = "Fabrikam"
domains = ["fabrikam.example"]
managers = ["fay@fabrikam.example"]
customer_sets_priority = false
[links]
invoices = "https://pay.example.com"
meeting = "https://book.example.com"
[mail]
gather = "0m"
"""
"""A desk with a portal and two client companies, each with a manager."""


def person(address: str, name: str = "") -> dict[str, Any]:
    """Return what Google says of somebody whose address it vouches for."""
    local, _, domain = address.partition("@")
    return {**DANA, "sub": f"{local}-1", "email": address, "hd": domain, "name": name or local.capitalize()}


@dataclass
class Customer:
    """A customer's browser, with its own cookies."""

    desk: ServedDesk
    openid: FakeOpenId
    http: aiohttp.ClientSession

    async def get(self, path: str, **query: str) -> tuple[int, str]:
        """Return a page: its status and text."""
        async with self.http.get(f"{self.desk.base}{path}", params=query, headers=HTML) as answer:
            return answer.status, await answer.text()

    async def post(self, path: str, fields: Mapping[str, str], origin: str = "") -> tuple[int, str]:
        """Send a form as a page of ``origin``, else the desk's own; return the page that comes of it."""
        headers = {**HTML, "Origin": origin or self.desk.base}
        async with self.http.post(f"{self.desk.base}{path}", data=fields, headers=headers) as answer:
            return answer.status, await answer.text()

    async def attach(self, path: str, text: str, *files: tuple[str, bytes]) -> tuple[int, str]:
        """Send a comment with files, each by its name and content."""
        _, page = await self.get(path)
        data = aiohttp.FormData({name: hidden(page, name) for name in ("csrf", "token")})
        return await self._send(path, data, {"do": "comment", "text": text}, files)

    async def attach_to_new(self, fields: Mapping[str, str], *files: tuple[str, bytes]) -> tuple[int, str]:
        """Send the form of a new ticket with files, each by its name and content."""
        _, page = await self.get("/portal/new")
        data = aiohttp.FormData({name: hidden(page, name) for name in ("csrf", "token")})
        return await self._send("/portal/new", data, fields, files)

    async def _send(
        self, path: str, data: aiohttp.FormData, fields: Mapping[str, str], files: Iterable[tuple[str, bytes]]
    ) -> tuple[int, str]:
        for name, value in fields.items():
            data.add_field(name, value)
        for name, content in files:
            data.add_field("files", io.BytesIO(content), filename=name)
        headers = {**HTML, "Origin": self.desk.base}
        async with self.http.post(f"{self.desk.base}{path}", data=data, headers=headers) as answer:
            return answer.status, await answer.text()

    async def form(self, path: str, **fields: str) -> tuple[int, str]:
        """Load a page and send its form, with what the page has hidden in it."""
        _, text = await self.get(path)
        kept = {name: hidden(text, name) for name in ("csrf", "token")}
        return await self.post(path, {**kept, **fields})

    async def sign_in(self, address: str, name: str = "", **more: Any) -> tuple[int, str]:
        """Sign in as that person; return the page on which that ends."""
        self.openid.person = {**person(address, name), **more}
        return await self.get("/portal/sign-in/google")

    async def open_ticket(self, issue: str = "It is slow", **answers: str) -> str:
        """Open a ticket in the portal and return its number."""
        given = {"name": "Dana Reyes", "phone": "555-0134", "issue": issue}
        status, page = await self.form("/portal/new", **{**given, **answers})
        assert status == 200, page
        found = re.search(r"<h1><span class=\"whole\">(HD-\d+)</span>", page)
        assert found, page
        return found[1]


HTML = {"Accept": "text/html"}


def hidden(page: str, name: str) -> str:
    """Return a hidden field of a page."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, f"no {name} in {page}"
    return html.unescape(found[1])


@asynccontextmanager
async def browser_of(desk: ServedDesk, openid: FakeOpenId) -> AsyncIterator[Customer]:
    """Open a browser."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        yield Customer(desk, openid, http)


@asynccontextmanager
async def customer_of(
    desk: ServedDesk, openid: FakeOpenId, address: str, name: str = ""
) -> AsyncIterator[Customer]:
    """Open a browser and sign somebody in."""
    async with browser_of(desk, openid) as customer:
        status, page = await customer.sign_in(address, name)
        assert status == 200, page
        assert "Sign out" in page
        yield customer


@asynccontextmanager
async def portal_desk(
    text: str = PORTAL_DESK, *services: str, **changes: Any
) -> AsyncIterator[tuple[ServedDesk, FakeOpenId]]:
    """Serve a desk with a portal, and the service that its people sign in with."""
    async with (
        fake_openid(**changes) as openid,
        serving(text, demo=False, portal=openid.access(*services)) as desk,
    ):
        yield desk, openid
