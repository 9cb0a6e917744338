"""`chatdesk` and `python -m chatdesk`: the command line."""

from __future__ import annotations

from chatdesk.cli.commands import application


def main() -> None:
    """Run the command line."""
    application()


if __name__ == "__main__":
    main()
