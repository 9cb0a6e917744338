"""`chatdesk` and `python -m chatdesk`: the command line."""

from __future__ import annotations

import gc
import sys

SERVERS = ("serve", "demo")
"""Commands that are waited for; they take no options, and the command line's library is not imported."""
UNUSED = ("rich", "greenlet")
"""What structlog imports where it is installed, and no log needs."""


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
    # None stands for a module that is not there.
    sys.modules.update(dict.fromkeys(UNUSED))  # type: ignore[arg-type]
    import structlog  # noqa: F401

    for unused in UNUSED:
        del sys.modules[unused]
    from chatdesk import certificates

    with certificates.later():
        from chatdesk.cli.serving import run_server

    _collect_garbage()
    sys.exit(run_server(name))


def _collect_garbage() -> None:
    gc.freeze()
    gc.enable()


if __name__ == "__main__":
    main()
