"""`chatdesk` and `python -m chatdesk`: the command line."""

from __future__ import annotations

import gc
import sys

SERVERS = ("serve", "demo")
"""Commands that are waited for; they take no options, and the command line's library is not imported."""


def main() -> None:
    """Run the command line."""
    # What is imported stays: to look through it for garbage takes a tenth of the start.
    gc.disable()
    if len(sys.argv) == 2 and sys.argv[1] in SERVERS:
        _serve(sys.argv[1])
    from chatdesk.cli.commands import application

    _collect_garbage()
    application()


def _serve(name: str) -> None:
    # The log never shows what structlog would import it for [chatdesk.logs.describe_fault].
    sys.modules["rich"] = None  # type: ignore[assignment]
    import structlog  # noqa: F401

    del sys.modules["rich"]
    from chatdesk.cli.serving import run_server

    _collect_garbage()
    sys.exit(run_server(name))


def _collect_garbage() -> None:
    gc.freeze()
    gc.enable()


if __name__ == "__main__":
    main()
