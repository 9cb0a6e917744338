"""Accessibility rules that a machine can check, run inside the page by axe-core."""

from __future__ import annotations

from importlib.resources import files

from playwright.async_api import Page

AXE = files("axe_playwright_python").joinpath("axe.min.js")


async def violations(page: Page) -> list[str]:
    """Return what breaks a rule on the page as it is now: the rule, why, and the elements at fault."""
    # As an expression of the debugger: the page's own policy forbids foreign scripts, as it should.
    await page.evaluate(AXE.read_text(encoding="utf-8"))
    found = await page.evaluate("() => axe.run()")
    return [
        f"{broken['id']}: {broken['help']}: {[node['target'] for node in broken['nodes']]}"
        for broken in found["violations"]
    ]
