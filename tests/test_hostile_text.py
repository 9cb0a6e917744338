"""Text that would run: on every page that shows what people wrote it stays text [threats 10-12, 19]."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from chatdesk.bootstrap import now
from chatdesk.conversation import Agent, ConversationId, FileRef, Visibility
from chatdesk.events import AgentMessaged, TicketTaken
from chatdesk.ticket import TicketNumber
from tests.console_browser import sign_in
from tests.running_desk import ServedDesk, serving
from tests.widget_page import WidgetPage, customer_page

pytestmark = pytest.mark.browser

HOSTILE = [
    "<script>window.pwned=1;alert(1)</script>",
    '<img src=x onerror="window.pwned=1;alert(1)">',
    '"><svg/onload=window.pwned=1;alert(1)>',
    "'\"--></style></script><script>window.pwned=1</script>",
    "<iframe srcdoc='<script>parent.pwned=1</script>'></iframe>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=window.pwned=1>",
    "<a href=javascript:window.pwned=1>click</a>",
    "javascript:window.pwned=1//http://example.com",
    "JaVaScRiPt:alert(1)",
    "java\tscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox(1)",
    "[link](javascript:alert(1))",
    '![x](x"onerror="window.pwned=1)',
    'http://example.com/"onmouseover="window.pwned=1',
    "https://example.com/<script>window.pwned=1</script>",
    "http://javascript:alert(1)@example.com/",
    "<base href=https://evil.example/>",
    "<meta http-equiv=refresh content='0;url=javascript:window.pwned=1'>",
    "${window.pwned=1} {{constructor.constructor('window.pwned=1')()}}",
    "<template><script>window.pwned=1</script></template>",
    "&lt;script&gt;window.pwned=1&lt;/script&gt;",
    "<button formaction=javascript:alert(1) autofocus onfocus=window.pwned=1>x</button>",
]
NAME = 'Dana <img src=x onerror="window.pwned=1;alert(1)">'

FIND = """() => {
  const found = [];
  const schemes = ["http:", "https:", "mailto:", "tel:", "blob:"];
  const look = (root) => {
    for (const element of root.querySelectorAll("*")) {
      const tag = element.localName;
      if (["object", "embed", "base", "math"].includes(tag)) found.push(tag);
      if (tag === "script" && new URL(element.src || "about:blank").origin !== location.origin)
        found.push("script");
      if (tag === "iframe" && element.getAttribute("sandbox") === null) found.push("iframe");
      if (tag === "meta" && element.httpEquiv.toLowerCase() === "refresh") found.push("meta");
      for (const { name, value } of element.attributes) {
        if (name.startsWith("on")) found.push(`${tag} ${name}`);
        if (["href", "src", "action", "formaction", "xlink:href", "srcdoc"].includes(name)) {
          const url = URL.canParse(value, location.href) ? new URL(value, location.href) : null;
          const unsafe = name === "srcdoc" || (url && !schemes.includes(url.protocol));
          if (unsafe) found.push(`${tag} ${name}=${value}`);
        }
      }
      if (element.shadowRoot) look(element.shadowRoot);
    }
  };
  look(document);
  if (window.pwned !== undefined) found.push("it ran");
  return found;
}"""
"""Whatever on the page could run, or lead to what runs; pages of the desk have none of it."""


async def dangerous(page: Page) -> list[str]:
    found: list[str] = await page.evaluate(FIND)
    return found


def watch(page: Page, dialogs: list[str]) -> None:
    async def note(dialog: Any) -> None:
        dialogs.append(dialog.message)
        await dialog.dismiss()

    page.on("dialog", note)


async def fill_chat(desk: ServedDesk, dana: WidgetPage) -> None:
    """Have both sides write everything on the list, in messages, a note and a file's name."""
    await dana.start(name=NAME, company=HOSTILE[1], issue="\n".join(HOSTILE))
    identity = ConversationId(await dana.conversation())
    marcus = Agent("marcus", f"Marcus {HOSTILE[0]}")
    taken = TicketTaken(
        at=now(), channel="console", external_id="take", ticket=TicketNumber(1001), agent=marcus
    )
    await desk.running.desk.receive(taken)
    file = FileRef("0" * 32, HOSTILE[1], "image/svg+xml", 10)
    for number, text in enumerate([*HOSTILE, *HOSTILE, "the last note", "the last word"]):
        internal = len(HOSTILE) <= number <= 2 * len(HOSTILE)
        event = AgentMessaged(
            at=now(),
            channel="console",
            external_id=f"say-{number}",
            conversation=identity,
            agent=marcus,
            text=text,
            files=(file,),
            visibility=Visibility.INTERNAL if internal else Visibility.PUBLIC,
        )
        await desk.running.desk.receive(event)
    for text in HOSTILE:
        await dana.write(text)
    await dana.write("done")


@pytest.mark.parametrize("number", [0, 1, 2, 3, 4, 6, 17, 18, 22])
async def test_a_page_that_showed_it_as_markup_would_be_found_out(browser: Browser, number: int) -> None:
    page = await browser.new_page()
    await page.set_content(f"<p>{HOSTILE[number]}</p>")
    assert await dangerous(page) != []


async def test_no_page_of_the_desk_runs_what_somebody_wrote(browser: Browser) -> None:
    dialogs: list[str] = []
    async with serving() as desk, customer_page(browser, f"{desk.base}/demo") as dana:
        watch(dana.page, dialogs)
        assert await dangerous(dana.page) == []
        await fill_chat(desk, dana)
        await expect(dana.log).to_contain_text("the last word")
        await expect(dana.log.locator(".customer").last).to_contain_text("done")
        for text in HOSTILE:
            assert " ".join(text.split()) in " ".join((await dana.log.inner_text()).split())
        assert await dangerous(dana.page) == []

        await dana.page.reload()
        await expect(dana.page.locator("chat-desk .launcher, chat-desk .panel").first).to_be_visible()
        assert await dangerous(dana.page) == []

        context = await browser.new_context()
        page = await context.new_page()
        watch(page, dialogs)
        await look_at_the_console(desk, page)
        await look_at_the_transcripts(desk, page)
        await look_at_the_mail(desk, page)
        await context.close()
    assert dialogs == []


async def look_at_the_console(desk: ServedDesk, page: Page) -> None:
    await sign_in(page, await desk.sign_in_link("Priya Shah"))
    await page.goto(f"{desk.base}/console/tickets/HD-1001")
    await expect(page.locator(".message").last).to_contain_text("done")
    await expect(page.locator(".message.note").last).to_contain_text("the last note")
    assert await dangerous(page) == []


async def look_at_the_transcripts(desk: ServedDesk, page: Page) -> None:
    for internal in (0, 1):
        path = f"/console/api/tickets/HD-1001/transcript?format=html&internal={internal}"
        await page.goto(desk.base + path)
        await expect(page.locator("main")).to_contain_text("the last word")
        # The desk's own policy for the page stops every script, so it is read from outside.
        content = await page.content()
        await page.goto("about:blank")
        await page.set_content(content)
        assert await dangerous(page) == []


async def look_at_the_mail(desk: ServedDesk, page: Page) -> None:
    await page.goto(f"{desk.base}/demo/mail")
    for number in range(await page.locator(".lines a").count()):
        await page.locator(".lines a").nth(number).click()
        await expect(page.locator(".mail h1")).to_be_visible()
        await expect(page.frame_locator("iframe").locator("body")).to_be_visible()
        assert await dangerous(page) == []
        for part in ("Plain text", "Source"):
            await page.get_by_role("link", name=part).click()
            await expect(page.locator("pre.body")).to_be_visible()
            assert await dangerous(page) == []
