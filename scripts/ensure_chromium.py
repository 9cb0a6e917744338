#!/usr/bin/env python3
"""Find or install a Chromium for the browser tests and write its path to a file.

Usage: ensure_chromium.py FILE

FILE receives the path of a Chromium that was seen to start, or stays empty when there is none. A missing
browser is no failure: it is said loudly, and the tests that need it are skipped and listed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
START_SECONDS = 60
INSTALL_SECONDS = 600
NOT_FOUND = """
!!! NO CHROMIUM. These will not be tested: the chat widget, the web console and the portal
!!! in a real browser. Install Chromium or Google Chrome, then run: make browser
"""


def run(*command: str, seconds: int) -> bool:
    """Run a command and say whether it ended well within the time; its output is shown only if not."""
    try:
        done = subprocess.run(
            command,
            check=False,
            timeout=seconds,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
            text=True,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        print(f"  {command[0]}: {error}", file=sys.stderr)
        return False
    if done.returncode:
        print(f"  {' '.join(command)} failed:\n{done.stdout[-1000:]}", file=sys.stderr)
    return done.returncode == 0


def starts(path: str) -> bool:
    """Say whether the browser renders an empty page (a stub or one without its libraries does not)."""
    return run(
        path,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--dump-dom",
        "about:blank",
        seconds=START_SECONDS,
    )


def installed() -> Iterator[str]:
    """Yield every browser that is already here: the system's first, then Playwright's own."""
    for name in NAMES:
        if path := shutil.which(name):
            yield path
    if (own := playwrights_own()) and Path(own).exists():
        yield own


def playwrights_own() -> str | None:
    """Tell where Playwright keeps its Chromium, whether or not it is there."""
    from playwright.sync_api import Error, sync_playwright

    try:
        with sync_playwright() as playwright:
            return playwright.chromium.executable_path
    except (Error, OSError) as error:
        print(f"  Playwright: {error}", file=sys.stderr)
        return None


def install_with_apt() -> bool:
    """Install Debian's Chromium; only root can, and only where apt-get exists."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    print("Installing Chromium with apt-get")
    run("apt-get", "update", "-qq", seconds=INSTALL_SECONDS)
    return run("apt-get", "install", "-qq", "--no-install-recommends", "chromium", seconds=INSTALL_SECONDS)


def install_with_playwright() -> bool:
    """Let Playwright download its own Chromium into the user's cache."""
    print("Installing Chromium with Playwright")
    return run(sys.executable, "-m", "playwright", "install", "chromium", seconds=INSTALL_SECONDS)


def first_that_starts() -> str | None:
    """Return the first installed browser that really starts."""
    return next(filter(starts, installed()), None)


def find() -> str | None:
    """Return a browser that starts, installing one if none does."""
    if found := first_that_starts():
        return found
    if install_with_apt() and (found := first_that_starts()):
        return found
    return first_that_starts() if install_with_playwright() else None


def main() -> None:
    """Write the path, or an empty file and a warning."""
    target = Path(sys.argv[1])
    found = find()
    target.write_text(f"{found}\n" if found else "")
    if found:
        print(f"Browser tests use {found}")
        return
    print(NOT_FOUND, file=sys.stderr)


if __name__ == "__main__":
    main()
