"""The chat when things break: reload, second tab, lost server, killed server, no WebSocket, no storage."""

from __future__ import annotations

import re
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.running_desk import ServerProcess, serving
from tests.widget_page import WidgetPage, customer_page, new_page

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    """A desk as a process that keeps its port when it is started again."""
    async with ServerProcess(tmp_path, CHATDESK_PORT=str(free_port())) as process:
        yield process


async def own_texts(dana: WidgetPage) -> list[str]:
    """Return what the customer wrote, as the log shows it; unsent messages stand outside it."""
    return await dana.log.locator(".customer .text").all_inner_texts()


async def test_a_reload_shows_the_same_list_in_the_same_order(browser: Browser) -> None:
    async with serving() as desk, customer_page(browser, f"{desk.base}/demo") as dana:
        await dana.start()
        for number in range(5):
            await dana.write(f"message {number}")
        await expect(dana.log.locator(".customer")).to_have_count(6)
        before = await dana.said()
        await dana.page.reload()
        await dana.open()
        await expect(dana.log.locator(".customer")).to_have_count(6)
        assert await dana.said() == before


async def test_a_second_tab_shows_the_same_and_learns_of_what_the_first_begins(browser: Browser) -> None:
    async with serving() as desk, customer_page(browser, f"{desk.base}/demo") as dana:
        second = await new_page(await dana.page.context.new_page(), f"{desk.base}/demo")
        await second.open()
        await expect(second.window.get_by_role("button", name="Start chat")).to_be_visible()
        await dana.page.bring_to_front()
        await dana.start()
        await second.page.bring_to_front()
        await expect(second.log).to_contain_text("Your ticket is HD-1001")
        await second.write("from the second")
        await dana.page.bring_to_front()
        await expect(dana.log).to_contain_text("from the second")
        await dana.write("from the first")
        await expect(second.log).to_contain_text("from the first")
        assert await dana.said() == await second.said()
        assert second.problems == []


@pytest.mark.crash
async def test_a_killed_server_loses_and_doubles_nothing(server: ServerProcess, browser: Browser) -> None:
    async with customer_page(browser, f"{server.base}/demo") as dana:
        await dana.start()
        await dana.write("before")
        await expect(dana.log).to_contain_text("before")
        await server.kill()
        await expect(dana.banner).to_contain_text("Connection lost. Reconnecting…")
        for number in range(3):
            await dana.write(f"meanwhile {number}")
        await expect(dana.window.get_by_text("Sending…")).to_have_count(3)
        await server.start()
        await expect(dana.banner).to_have_text("Back online.", timeout=40_000)
        await expect(dana.window.get_by_text("Sending…")).to_have_count(0)
        expected = ["before", "meanwhile 0", "meanwhile 1", "meanwhile 2"]
        assert (await own_texts(dana))[1:] == expected
        await dana.page.reload()
        await dana.open()
        await expect(dana.log).to_contain_text("meanwhile 2")
        assert (await own_texts(dana))[1:] == expected


@pytest.mark.crash
async def test_what_was_written_offline_survives_a_reload(server: ServerProcess, browser: Browser) -> None:
    async with customer_page(browser, f"{server.base}/demo") as dana:
        await dana.start()
        await dana.page.evaluate("document.querySelector('chat-desk').chat.link.line.socket.onclose = null")
        await dana.page.evaluate("document.querySelector('chat-desk').chat.link.line.socket.close()")
        await dana.write("written into the void")
        await expect(dana.window.get_by_text("Sending…")).to_be_visible()
        await dana.page.reload()
        await dana.open()
        await expect(dana.log).to_contain_text("written into the void")
        await expect(dana.window.get_by_text("Sending…")).to_have_count(0)
        assert (await own_texts(dana)).count("written into the void") == 1


@pytest.mark.crash
async def test_a_server_that_restarts_in_order_is_found_again(
    server: ServerProcess, browser: Browser
) -> None:
    async with customer_page(browser, f"{server.base}/demo") as dana:
        await dana.start()
        assert await server.terminate() == 0
        await expect(dana.banner).to_contain_text("Connection lost. Reconnecting…")
        await server.start()
        await expect(dana.banner).to_have_text("Back online.", timeout=40_000)
        await dana.write("here again")
        await expect(dana.log).to_contain_text("here again")


@pytest.mark.parametrize("how", ["removed", "refused"])
async def test_where_websockets_are_blocked_the_chat_works_all_the_same(browser: Browser, how: str) -> None:
    async with serving() as desk:
        context = await browser.new_context(reduced_motion="reduce")
        if how == "removed":
            await context.add_init_script("delete window.WebSocket")
        else:
            await context.add_init_script(
                "window.WebSocket = class { constructor() { this.readyState = 3;"
                " setTimeout(() => this.onclose && this.onclose({}), 10) } close() {} send() {} }"
            )
        dana = await new_page(await context.new_page(), f"{desk.base}/demo")
        await dana.start()
        for number in range(3):
            await dana.write(f"by post {number}")
        await expect(dana.log.locator(".customer")).to_have_count(4)
        assert (await own_texts(dana))[1:] == ["by post 0", "by post 1", "by post 2"]
        assert await dana.page.evaluate("document.querySelector('chat-desk').chat.link.streams")
        assert dana.problems == []
        await context.close()


async def test_it_works_where_storage_is_blocked(browser: Browser) -> None:
    async with serving() as desk:
        context = await browser.new_context(reduced_motion="reduce")
        await context.add_init_script(
            "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('blocked') } })"
        )
        dana = await new_page(await context.new_page(), f"{desk.base}/demo")
        await dana.start()
        await dana.write("no memory")
        await expect(dana.log.locator(".customer").last).to_contain_text("no memory")
        assert dana.problems == []
        await context.close()


async def test_a_host_page_with_a_strict_policy_can_embed_it(browser: Browser) -> None:
    policy = "default-src 'none'; script-src {0}; connect-src {0} {1}; require-trusted-types-for 'script'"
    async with serving() as desk:
        context = await browser.new_context(reduced_motion="reduce")
        page = await context.new_page()
        refused: list[str] = []
        page.on("console", lambda message: refused.append(message.text) if message.type == "error" else None)
        tag = f'<script src="{desk.base}/widget.js" data-desk="desk" async></script>'
        host = f"<!doctype html><title>Host</title>{tag}"
        headers = {"Content-Security-Policy": policy.format(desk.base, desk.base.replace("http", "ws"))}
        await page.route(
            f"{desk.base}/host",
            lambda route: route.fulfill(body=host, headers=headers, content_type="text/html"),
        )
        dana = await new_page(page, f"{desk.base}/host")
        await dana.start()
        await dana.write("strict")
        await expect(dana.log.locator(".customer").last).to_contain_text("strict")
        assert [
            text for text in refused if "Content Security Policy" in text or "TrustedScript" in text
        ] == []
        assert dana.problems == []
        await context.close()


async def test_an_altered_chat_is_not_run(browser: Browser) -> None:
    async with serving() as desk:
        context = await browser.new_context()
        page = await context.new_page()
        evil = "window.hurt = 1; export const start = () => {};"
        await page.route(
            re.compile("/widget/chat/"),
            lambda route: route.fulfill(body=evil, content_type="text/javascript"),
        )
        dana = await new_page(page, f"{desk.base}/demo")
        await dana.launcher.click()
        await expect(page.locator("chat-desk .problem")).to_contain_text("could not be loaded")
        assert await page.evaluate("window.hurt") is None
        await context.close()
