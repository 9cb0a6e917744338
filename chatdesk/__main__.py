"""`chatdesk` and `python -m chatdesk`: the command line."""

from __future__ import annotations

import gc


def main() -> None:
    """Run the command line."""
    # What is imported stays: to look through it for garbage takes a tenth of the start.
    gc.disable()
    from chatdesk.cli.commands import application

    gc.freeze()
    gc.enable()
    application()


if __name__ == "__main__":
    main()
