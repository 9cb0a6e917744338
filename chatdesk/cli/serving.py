"""The commands that serve a desk, without the command line's library and without any other command.

Importing those takes longer than a start may [docs/performance.md].
"""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Callable, Mapping

from chatdesk.bootstrap import RunningDesk
from chatdesk.cli.demonstration import show_links
from chatdesk.cli.server import OnStart, loop_factory, serve
from chatdesk.cli.setting import Setting, demo_setting, serve_setting
from chatdesk.errors import ChatdeskError
from chatdesk.logs import configure_logging


def serve_desk() -> bool:
    """Serve the desk that the environment describes; return whether it stopped because it was told to.

    Raises ChatdeskError when it cannot start.
    """
    configure_logging("INFO")
    return _run(serve_setting(os.environ), _say_nothing, demo=False)


def serve_demonstration() -> bool:
    """Serve a demonstration desk; returns and raises as ``serve_desk`` does."""
    configure_logging("WARNING")
    return _run(demo_setting(os.environ), show_links, demo=True)


SERVERS: Mapping[str, Callable[[], bool]] = {"serve": serve_desk, "demo": serve_demonstration}
"""By the command's name."""


def run_server(name: str) -> int:
    """Serve until the desk stops; return the process's exit code. What goes wrong is said first."""
    try:
        return 0 if SERVERS[name]() else 1
    except ChatdeskError as error:
        # What shows errors is imported by who has one.
        from chatdesk.cli.ending import complain, exit_code

        complain(str(error))
        return exit_code(error)


async def _say_nothing(desk: RunningDesk, base: str) -> None:
    """A real desk says in its log that it has started."""


def _run(setting: Setting, on_start: OnStart, *, demo: bool) -> bool:
    # Thousands of open sockets are not searched for garbage after every few hundred messages, and no
    # search takes longer than a few milliseconds: measured [docs/performance.md].
    gc.freeze()
    gc.set_threshold(20_000, 2, 500)
    # What the server writes holds customers' words: for its own user only.
    os.umask(0o077)
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        return runner.run(serve(setting, on_start, demo=demo))
