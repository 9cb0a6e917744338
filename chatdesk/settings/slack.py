"""What Slack needs from the environment: its secrets, and where its API is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from chatdesk.errors import ConfigurationError
from chatdesk.guarded import Guarded

SLACK_API = "https://slack.com/api/"


class SlackSecrets(Guarded, frozen=True):
    """The SLACK_* variables, "" where not set.

    With ``app_token`` events come by Socket Mode, with ``signing_secret`` by HTTP; both may be used.
    ``seconds_per_post`` is the pace in one channel, which Slack wants to be about one second.
    """

    hidden: ClassVar = frozenset({"bot_token", "signing_secret", "app_token"})

    bot_token: str = ""
    signing_secret: str = ""
    app_token: str = ""
    api_url: str = SLACK_API
    seconds_per_post: float = 1.0

    def check(self) -> None:
        """Raise ConfigurationError naming every secret that [staff.slack] needs and that is not there."""
        problems: list[str] = []
        if not self.bot_token:
            problems.append(
                "SLACK_BOT_TOKEN: is not set, but [staff.slack] is; give the app's bot token (xoxb-...), "
                "or take [staff.slack] out of the file."
            )
        elif not self.bot_token.startswith("xoxb-"):
            problems.append("SLACK_BOT_TOKEN: is not a bot token; it starts with xoxb-.")
        if not self.signing_secret and not self.app_token:
            problems.append(
                "SLACK_SIGNING_SECRET: is not set; give the app's signing secret for events by HTTP, "
                "or SLACK_APP_TOKEN (xapp-...) for Socket Mode."
            )
        if self.app_token and not self.app_token.startswith("xapp-"):
            problems.append("SLACK_APP_TOKEN: is not an app-level token; it starts with xapp-.")
        if problems:
            raise ConfigurationError("\n".join(problems))


def read_slack(given: Mapping[str, str], problems: list[str]) -> SlackSecrets:
    """Read the variables that are set, and note what cannot be used."""
    api_url = given.get("CHATDESK_SLACK_API_URL", SLACK_API)
    if not api_url.startswith(("https://", "http://127.0.0.1", "http://localhost")):
        problems.append(
            f"CHATDESK_SLACK_API_URL: {api_url!r} would send the token in the clear; start it with https://."
        )
    return SlackSecrets(
        bot_token=given.get("SLACK_BOT_TOKEN", ""),
        signing_secret=given.get("SLACK_SIGNING_SECRET", ""),
        app_token=given.get("SLACK_APP_TOKEN", ""),
        api_url=api_url.rstrip("/") + "/",
    )
