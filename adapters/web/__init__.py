"""The web channel: widget, console, portal and API."""
