"""Who asks, and under which address: forwarded headers count only from the desk's own proxies.

A proxy puts the address it was asked from at the end of X-Forwarded-For; whatever stands further to the
left was sent by the other side and may be invented. So the list is read from its end, past the proxies
that are trusted (CHATDESK_TRUSTED_PROXIES), and the first other address is the client's.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from aiohttp import web

from adapters.web.services import SERVICES, Services
from chatdesk.own_machine import LOCAL_HOSTS, asked_from_here, host_name

Network = IPv4Network | IPv6Network


def as_asked(request: web.Request) -> web.Request:
    """Return the request as the client made it, before trusted proxies passed it on."""
    trusted = request.app[SERVICES].trusted_proxies
    if not trusted or not _is_trusted(request.remote or "", trusted):
        return request
    hops = [hop.strip() for hop in ",".join(request.headers.getall("X-Forwarded-For", ())).split(",")]
    client = _address(next((hop for hop in reversed(hops) if hop and not _is_trusted(hop, trusted)), ""))
    scheme = request.headers.get("X-Forwarded-Proto", "").rpartition(",")[2].strip().lower()
    host = request.headers.get("X-Forwarded-Host", "").rpartition(",")[2].strip()
    return request.clone(
        remote=str(client) if client is not None else request.remote or "",
        scheme=scheme if scheme in {"http", "https"} else request.scheme,
        host=host or request.host,
    )


def refuse_foreign_host(request: web.Request) -> None:
    """Raise HTTPMisdirectedRequest for another site's name that was pointed at this machine."""
    allowed = _allowed_hosts(request.app[SERVICES])
    if allowed is not None and host_name(request.host) not in allowed:
        raise web.HTTPMisdirectedRequest(text="This desk has another address.")


def came_from_this_machine(request: web.Request) -> bool:
    """Tell whether the request came from this machine itself, not passed on by a proxy on it."""
    version = (request.version.major, request.version.minor)
    return asked_from_here(request.remote or "", request.host, version, request.headers)


def _allowed_hosts(services: Services) -> frozenset[str] | None:
    public = urlsplit(services.config.desk.public_url).hostname
    if public:
        return LOCAL_HOSTS | {public}
    # The demonstration lets everybody in, so it must be nobody's but this machine's.
    return LOCAL_HOSTS if services.demo else None


def _is_trusted(text: str, trusted: tuple[Network, ...]) -> bool:
    address = _address(text)
    return address is not None and any(address in network for network in trusted)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """Return the address in what a proxy wrote, which may be in brackets and have a port; None for others."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found
