"""Draws what the desk sends to Slack, for the docs: the blocks are the program's own."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from playwright.async_api import async_playwright

from adapters.slack.card import banner, card, message_parts, username
from chatdesk.conversation import Author, AuthorKind, Live, Message, Visibility, Waiting
from chatdesk.ticket import TicketStatus
from tests.conftest import CHROMIUM_FLAGS, CHROMIUM_PATH_FILE
from tests.desk_builders import CHAT, NORTHWIND, TUESDAY, conversation, ticket

IMAGES = Path("docs/images")
NAMES = {"marcus": "Marcus Bell"}
SIGNS = {"red_circle": "#e01e5a", "bell": "#ecb22e", "speech_balloon": "#36c5f0"}
"""Emoji as dots of their colour: not every machine has a font for them."""
STYLE = """
body { margin: 0; background: #fff; color: #1d1c1d; font: 15px/1.46 Lato, Arial, sans-serif; }
main { width: 640px; padding: 16px 20px; }
.post { display: grid; grid-template-columns: 36px 1fr; gap: 0 10px; padding: 8px 0; }
.face { width: 36px; height: 36px; border-radius: 6px; background: #2f5d8a; color: #fff; font-weight: 700;
        display: grid; place-items: center; }
.who { font-weight: 900; } .app { background: #ececec; color: #616061; font-size: 10px; padding: 1px 4px;
        border-radius: 2px; margin-left: 4px; vertical-align: 2px; }
h3 { font-size: 18px; margin: 6px 0 8px; } p { margin: 4px 0; white-space: pre-line; }
.fields { display: grid; grid-template-columns: 1fr 1fr; gap: 8px 16px; margin: 6px 0; }
.fields p { margin: 0; } .context { color: #616061; font-size: 13px; }
i { display: inline-block; width: 11px; height: 11px; border-radius: 50%; margin-right: 3px; }
.actions { display: flex; flex-wrap: wrap; gap: 8px; margin-top: 8px; }
.actions span { border: 1px solid #bbb; border-radius: 4px; padding: 4px 12px;
        font: 700 13px sans-serif; }
.actions .primary { background: #007a5a; border-color: #007a5a; color: #fff; }
.actions .danger { color: #e01e5a; border-color: #e01e5a; }
"""


def text_html(text: dict[str, Any]) -> str:
    """Return a text object as HTML: plain text as it is; of mrkdwn what the desk itself uses."""
    shown = text["text"]
    if text["type"] == "plain_text":
        return html.escape(shown)
    shown = re.sub(r"<!date\^\d+\^[^|]*\|([^>]*)>", r"\1", shown)
    shown = re.sub(r":(\w+):", lambda found: f"<i style='background: {SIGNS[found[1]]}'></i>", shown)
    return re.sub(r"\*([^*\n]+)\*", r"<b>\1</b>", shown)


def block_html(block: dict[str, Any]) -> str:
    """Return one block as HTML."""
    match block["type"]:
        case "header":
            return f"<h3>{text_html(block['text'])}</h3>"
        case "section" if "fields" in block:
            fields = "".join(f"<p>{text_html(field)}</p>" for field in block["fields"])
            return f"<div class=fields>{fields}</div>"
        case "section":
            return f"<p>{text_html(block['text'])}</p>"
        case "context":
            return "".join(f"<p class=context>{text_html(part)}</p>" for part in block["elements"])
        case "actions":
            buttons = "".join(
                f"<span class='{part.get('style', '')}'>{text_html(part['text'])}</span>"
                for part in block["elements"]
                if "text" in part
            )
            return f"<div class=actions>{buttons}</div>"
    raise ValueError(f"There is no picture of a block of the type {block['type']}.")


def post_html(name: str, blocks: Iterable[dict[str, Any]], *, app: bool = True) -> str:
    """Return one post under the name it is sent with."""
    mark = "<span class=app>APP</span>" if app else ""
    body = "".join(block_html(block) for block in blocks)
    face = "".join(word[0] for word in name.split()[:2])
    head = f"<span class=who>{html.escape(name)}</span>{mark}"
    return f"<div class=post><div class=face>{face}</div><div>{head}{body}</div></div>"


def said(seq: int, author: Author, text: str, visibility: Visibility = Visibility.PUBLIC) -> Message:
    """Return a message of the chat in the picture."""
    return Message(CHAT, seq, author, visibility, text, TUESDAY, changed=seq)


def pictures() -> dict[str, str]:
    """Return what is drawn, by the name of its file: a waiting chat's card; a live one with its thread."""
    made = replace(
        ticket(),
        due_at=TUESDAY + timedelta(hours=1),
        subject="The printer upstairs is offline.",
        answers=(("issue", "The printer upstairs is offline.\nIt says paper jam, but there is none."),),
    )
    desk = NORTHWIND.desk.name
    waiting = conversation(Waiting(TUESDAY, TUESDAY + timedelta(minutes=2)))
    live = conversation(Live(("marcus",)))
    taken = replace(made, assignee="marcus", status=TicketStatus.IN_PROGRESS)
    dana = Author(AuthorKind.CUSTOMER, "visitor", made.requester_name)
    talk = [
        said(3, dana, "Are you there?"),
        said(5, dana, "Yes, I closed it twice."),
    ]
    words: dict[str, Any] = {"type": "section", "text": {"type": "mrkdwn"}}
    words["text"]["text"] = banner(NORTHWIND, taken, live, NAMES)
    first, second = (post_html(username(message), message_parts(message)[0]) for message in talk)
    answer: dict[str, Any] = {"type": "section", "text": {"type": "plain_text"}}
    answer["text"]["text"] = "Hello Dana, is its paper tray closed?"
    thread = [
        post_html(desk, card(NORTHWIND, taken, live, NAMES)),
        post_html(desk, [words]),
        first,
        post_html("Marcus Bell", [answer], app=False),
        second,
    ]
    return {
        "slack-card.png": post_html(desk, card(NORTHWIND, made, waiting, NAMES)),
        "slack-thread.png": "".join(thread),
    }


async def main() -> None:
    """Draw the pictures in Chromium."""
    executable = CHROMIUM_PATH_FILE.read_text().strip()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, args=CHROMIUM_FLAGS)
        page = await browser.new_page(viewport={"width": 700, "height": 400}, device_scale_factor=1.5)
        for name, body in pictures().items():
            await page.set_content(f"<meta charset=utf-8><style>{STYLE}</style><main>{body}</main>")
            await page.locator("main").screenshot(path=IMAGES / name)
        await browser.close()


if __name__ == "__main__":
    asyncio.run(main())
