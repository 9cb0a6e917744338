"""What a widget is told before anybody signs anything, and which pages may ask."""

from __future__ import annotations

from datetime import UTC, datetime

import aiohttp
import pytest

from adapters.web.widget_config import known_fields, widget_config
from chatdesk.config import load_config, parse_config
from chatdesk.portal import with_portal
from tests.running_desk import serving

DESK = """
[desk]
name = "Northwind IT"
timezone = "America/New_York"
phone = "555-0100"
email = "help@northwind.example"
[calendars.chat]
mon-fri = "07:00-17:30"
[channels]
phone = {}
web = { calendar = "chat" }
form = {}
email = {}
[widgets.desk]
origins = ["https://www.contoso.example"]
"""
SITE = "https://desk.northwind.example"
FRIDAY_EVENING = datetime(2026, 9, 18, 21, 30, tzinfo=UTC)
OPEN = datetime(2026, 9, 18, 21, 29, 59, tzinfo=UTC)
FRIDAY_MORNING, FRIDAY_NOON = (
    datetime(2026, 9, 18, 11, 0, tzinfo=UTC),
    datetime(2026, 9, 18, 16, 0, tzinfo=UTC),
)


def test_the_ways_in_stand_in_the_desks_own_order_with_their_addresses() -> None:
    config = parse_config(DESK, "chatdesk.toml")
    found = widget_config(config, config.widgets[0], OPEN, SITE)
    assert found["channels"] == [
        {"name": "phone", "label": "Phone", "href": "tel:555-0100"},
        {"name": "web", "label": "Live chat", "href": None},
        {"name": "form", "label": "Web form", "href": f"{SITE}/form?key=desk"},
        {"name": "email", "label": "E-mail", "href": "mailto:help@northwind.example"},
    ]


@pytest.mark.parametrize("place", ["phone = {}", "email = {}"])
def test_a_portal_that_the_file_sets_up_is_no_way_in_while_nobody_can_sign_in(place: str) -> None:
    text = DESK.replace(place, f'{place}\nportal = {{ first_contact = "6h", customer_sets_priority = true }}')
    config = parse_config(text, "chatdesk.toml")
    assert "portal" in config.channels
    plain = parse_config(DESK, "chatdesk.toml")
    shown = [widget_config(each, each.widgets[0], OPEN, SITE)["channels"] for each in (config, plain)]
    assert shown[0] == shown[1]
    opened = widget_config(with_portal(config, ["a service"]), config.widgets[0], OPEN, SITE)["channels"]
    assert f"'name': 'portal', 'label': 'Customer portal', 'href': '{SITE}/portal'" in str(opened)


def test_where_the_desk_has_no_chat_it_says_so() -> None:
    without = parse_config(DESK.replace('web = { calendar = "chat" }\n', ""), "chatdesk.toml")
    found = [
        widget_config(config, config.widgets[0], OPEN, SITE)["refusal"]
        for config in (without, parse_config(DESK, "chatdesk.toml"), load_config(None))
    ]
    assert found == ["This desk has no live chat. Please reach it another way.", None, None]


def test_who_comes_by_the_icon_is_told_the_hours_of_that_channel() -> None:
    text = DESK.replace("[channels]", '[calendars.desk]\nmon-fri = "08:30-17:00"\n[channels]\ndesktop = {}')
    config = parse_config(text.replace('web = { calendar = "chat" }\n', ""), "chatdesk.toml")
    by_icon, by_web = (
        widget_config(config, config.widgets[0], OPEN, SITE, channel) for channel in ("desktop", "web")
    )
    assert (by_icon["open"], by_icon["opens"]) == (False, "Monday, September 21, at 8:30 AM EDT")
    assert by_icon["contact"] == "Monday, September 21, from 8:30 AM EDT"
    assert (by_icon["refusal"], bool(by_web["refusal"])) == (None, True)
    assert isinstance(by_icon["channels"], list)
    assert by_icon["channels"][0] == {"name": "desktop", "label": "Desktop icon", "href": None}


def test_a_desk_without_the_icon_tells_its_page_so() -> None:
    config = parse_config(DESK, "chatdesk.toml")
    found = widget_config(config, config.widgets[0], OPEN, SITE, "desktop")
    assert found["refusal"] == "This desk has no desktop icon. Please reach it another way."


@pytest.mark.parametrize("channel", ["email", "", "DESKTOP"])
async def test_the_chat_opens_by_no_other_channel(channel: str) -> None:
    async with serving(DESK, demo=False) as desk, aiohttp.ClientSession() as session:
        address = f"{desk.base}/widget/config?key=desk&channel={channel}"
        async with session.get(address) as answer:
            assert answer.status == 400
            said = (await answer.json())["message"]
    assert said == "The chat opens by the channels web and desktop only."


def test_it_says_whether_the_chat_is_open_and_when_it_opens_next() -> None:
    config = parse_config(DESK, "chatdesk.toml")
    before = widget_config(config, config.widgets[0], OPEN, SITE)
    after = widget_config(config, config.widgets[0], FRIDAY_EVENING, SITE)
    assert (before["open"], before["opens"]) == (True, None)
    assert (after["open"], after["opens"]) == (False, "Monday, September 21, at 7:00 AM EDT")
    assert after["hours"] == "Monday to Friday, 7:00 AM to 5:30 PM EDT"


@pytest.mark.parametrize("at", [FRIDAY_MORNING, FRIDAY_NOON, FRIDAY_EVENING])
def test_a_chat_that_never_opens_still_names_the_day_of_the_contact(at: datetime) -> None:
    config = load_config(None)
    widget = config.widget("after-hours")
    assert widget is not None
    found = widget_config(config, widget, at, SITE)
    assert (found["open"], found["opens"], found["hours"]) == (False, None, None)
    day = "Friday, September 18" if at is FRIDAY_MORNING else "Monday, September 21"
    assert found["contact"] == f"{day}, from 8:30 AM EDT"


NIGHT = """
[[maintenance]]
name = "Windows patching"
on = "saturday"
window = "01:00-04:00"
servers_until = "05:00"
"""


def test_maintenance_is_told_with_the_moments_from_and_until_which_it_is_said() -> None:
    config = parse_config(DESK + NIGHT, "chatdesk.toml")
    found = widget_config(config, config.widgets[0], FRIDAY_NOON, SITE)
    evening, night, servers = "2026-09-18T21:00:00Z", "2026-09-19T05:00:00Z", "2026-09-19T08:00:00Z"
    assert found["maintenance"] == [
        {
            "text": "Maintenance: Windows patching, Saturday, September 19, 1:00 AM to 4:00 AM EDT. "
            "Servers until 5:00 AM.",
            "from": evening,
            "until": night,
        },
        {
            "text": "Maintenance now: Windows patching, until 4:00 AM EDT. Servers until 5:00 AM.",
            "from": night,
            "until": servers,
        },
        {
            "text": "Server maintenance now: Windows patching, until 5:00 AM EDT.",
            "from": servers,
            "until": "2026-09-19T09:00:00Z",
        },
    ]


def test_a_desk_without_maintenance_tells_of_none() -> None:
    config = parse_config(DESK, "chatdesk.toml")
    assert widget_config(config, config.widgets[0], OPEN, SITE)["maintenance"] == []


def test_only_questions_about_the_person_are_remembered() -> None:
    fields = known_fields(load_config(None).survey)
    assert [field.id for field in fields] == ["name", "company", "email", "phone"]


async def test_listed_pages_may_read_it_without_cookies() -> None:
    async with serving(DESK, demo=False) as desk, aiohttp.ClientSession() as session:
        origin = "https://www.contoso.example"
        address = f"{desk.base}/widget/config?key=desk"
        async with session.get(address, headers={"Origin": origin}) as answer:
            assert answer.headers["Access-Control-Allow-Origin"] == origin
            assert "Access-Control-Allow-Credentials" not in answer.headers
            assert "Origin" in answer.headers["Vary"]
            assert (await answer.json())["name"] == "Northwind IT"


@pytest.mark.parametrize(("key", "status"), [("desk", 403), ("nothing", 404)])
async def test_other_pages_and_unknown_keys_are_refused(key: str, status: int) -> None:
    async with serving(DESK, demo=False) as desk, aiohttp.ClientSession() as session:
        headers = {"Origin": "https://www.fabrikam.example"}
        async with session.get(f"{desk.base}/widget/config?key={key}", headers=headers) as answer:
            assert answer.status == status
            assert "Access-Control-Allow-Origin" not in answer.headers
