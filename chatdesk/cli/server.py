"""Serving a desk over HTTP: opening the port, and stopping cleanly when told to."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import structlog
from aiohttp import web
from msgspec.structs import replace

from adapters.web.stalled_connections import PATIENCE, StalledConnections
from chatdesk.bootstrap import RunningDesk, running_desk
from chatdesk.cli.setting import Setting
from chatdesk.errors import ConfigurationError

log = structlog.get_logger(__name__)

GOODBYE = 4.0
"""Seconds that live clients and requests in progress have to end when the desk stops."""

BACKLOG = 4_096
"""Connections that may wait to be taken: after a restart thousands of pages come back within a second."""

OnStart = Callable[[RunningDesk, str], Awaitable[None]]
"""Called with the desk and its address once it answers."""


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return what makes the fastest event loop there is; None for asyncio's own."""
    try:
        import uvloop
    except ImportError:  # It does not exist for every platform.
        return None
    return uvloop.new_event_loop


def allow_many_sockets() -> None:
    """Raise this process's own limit of open files to what the system allows it: often it begins at 1,024."""
    try:
        import resource
    except ImportError:  # Not every platform has such limits.
        return
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    # Some systems say "unlimited" and still refuse it.
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


@asynccontextmanager
async def open_port(
    desk: RunningDesk, host: str, port: int, patience: float = PATIENCE
) -> AsyncIterator[str]:
    """Serve the desk on the port (0: any free one) and yield its address; live clients are told at the end.

    ``patience`` is how many seconds a request that was begun may stand still.
    Raises ConfigurationError when the port cannot be used.
    """
    runner = web.AppRunner(desk.application, access_log=None, shutdown_timeout=GOODBYE)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port, backlog=BACKLOG).start()
        except OSError as error:
            if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
                raise ConfigurationError(
                    f"CHATDESK_HOST: {host} is not an address of this machine; use 127.0.0.1 behind a web "
                    "server on it, or 0.0.0.0 for all of its addresses."
                ) from error
            reason = os.strerror(error.errno) if error.errno else str(error)
            raise ConfigurationError(
                f"Port {port} on {host} cannot be used: {reason}. Choose another with CHATDESK_PORT."
            ) from error
        async with _closing_stalled(runner, patience):
            yield address(host, runner.addresses[0][1])
    finally:
        await runner.cleanup()


@asynccontextmanager
async def _closing_stalled(runner: web.AppRunner, patience: float) -> AsyncIterator[None]:
    server = runner.server
    if server is None:
        raise RuntimeError("The server has not been set up.")
    closing = asyncio.create_task(StalledConnections(server, patience).run(), name="stalled connections")
    try:
        yield
    finally:
        closing.cancel()


def address(host: str, port: int) -> str:
    """Return the address a browser on this machine uses."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{shown}:{port}"


async def serve(setting: Setting, on_start: OnStart, *, demo: bool) -> bool:
    """Serve the desk until SIGTERM or SIGINT; a second signal ends the process at once.

    Returns whether it stopped because it was told to; False when one of its loops failed.
    """
    allow_many_sockets()
    stop = _stop_on_signals()
    environment = replace(setting.environment, secret=setting.secret)
    async with (
        running_desk(setting.config, environment, demo=demo) as desk,
        open_port(desk, environment.host, environment.port) as base,
    ):
        log.info("started", address=base, desk=setting.config.desk.name, demo=demo)
        await on_start(desk, base)
        warming = asyncio.create_task(desk.warming.later(), name="warming")
        clean = await _until_stopped(stop, desk)
        warming.cancel()
        log.info("stopping")
        # Before the port is closed, so that what is on its way has all of the time for its end.
        desk.relay.stop()
    log.info("stopped")
    return clean


async def _until_stopped(stop: asyncio.Event, desk: RunningDesk) -> bool:
    told = asyncio.create_task(stop.wait())
    failed = asyncio.create_task(desk.loops.failure())
    try:
        done, _ = await asyncio.wait({told, failed}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        told.cancel()
        failed.cancel()
    return failed not in done


def _stop_on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_signal(number: int) -> None:
        if stop.is_set():
            # Whoever asks twice does not want to wait; what is committed is committed.
            os._exit(128 + number)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal, number)
    return stop
