"""The command line: `chatdesk serve`, `chatdesk tickets list` and the others; see docs/cli.md."""
