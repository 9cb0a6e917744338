"""The machine the bench runs on: its cores, and what processes use of it."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from rich.console import Console

_BUSY = 0.7
"""The load average above which the servers do not have their cores to themselves."""


def cores() -> tuple[int | None, int | None]:
    """Return a core for the server and one for the load; None where there is only one."""
    found = sorted(os.sched_getaffinity(0))
    return (found[0], found[1]) if len(found) > 1 else (None, None)


def stay_on(core: int | None, process: int = 0) -> None:
    """Keep a process (0: this one), and what it starts from now on, on a core; None leaves it as it is."""
    if core is not None:
        os.sched_setaffinity(process, {core})


def say_when_busy(console: Console) -> None:
    """Say so when others use the machine."""
    busy = os.getloadavg()[0]
    if busy > _BUSY:
        console.print(f"Others keep this machine busy (load {busy:.1f}): only ratios, and those with care.")


def processor_time(process: int) -> float:
    """Return the seconds of processor time a process has used [proc(5)]."""
    used = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(used[11]) + int(used[12])) / os.sysconf("SC_CLK_TCK")


def memory(process: int) -> int:
    """Return the resident memory of a process in bytes [proc(5)]."""
    pages = int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
