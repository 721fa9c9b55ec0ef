"""Bitvavo's channels: what a subscribe names, and what its acknowledgement lists."""

from collections.abc import Iterable

from services.simulator.bitvavo.data import INTERVALS_S, Parameters, Refusal
from services.simulator.bitvavo.feed import BitvavoFeed, send_json
from services.simulator.connection import ClientChain, ClientConnection

CHANNELS = ("book", "trades", "ticker", "ticker24h", "candles")
_CANDLES = "candles "


def wanted(request: Parameters) -> list[tuple[str, object]]:
    """Return each channel with each market that a request names; raise `Refusal` for a bad one."""
    names: list[tuple[str, object]] = []
    for channel in _list(request.get("channels")):
        name = channel.get("name") if isinstance(channel, dict) else None
        if name == "account":
            raise Refusal(300, "Authentication is required for this endpoint.")
        if not isinstance(channel, dict) or name not in CHANNELS:
            raise Refusal(205, "channel.name parameter is invalid.")
        keys = _keys(name, channel)
        names += [(key, market) for market in _list(channel.get("markets")) for key in keys]
    return names


def candles_key(interval: str) -> str:
    """Return our name for the candles of one interval."""
    return _CANDLES + interval


def join(connection: ClientConnection, channel: str, feed: BitvavoFeed) -> None:
    """Subscribe; a second subscribe changes nothing."""
    raw_symbol = feed.market.listing.raw_symbol
    connection.subscriptions.setdefault(channel, {})[raw_symbol] = None
    if channel != "book":
        feed.listeners.setdefault(channel, {})[connection] = None
    elif connection not in feed.book:
        feed.book[connection] = connection.chains[raw_symbol] = ClientChain(feed.market.listing)


def leave(connection: ClientConnection, channel: str, feed: BitvavoFeed) -> None:
    """Unsubscribe; a second unsubscribe changes nothing."""
    raw_symbol = feed.market.listing.raw_symbol
    connection.subscriptions.get(channel, {}).pop(raw_symbol, None)
    feed.listeners.get(channel, {}).pop(connection, None)
    if channel == "book":
        feed.book.pop(connection, None)
        connection.chains.pop(raw_symbol, None)


def listed(connection: ClientConnection) -> dict[str, object]:
    """Return all subscriptions of a connection, as acknowledgements list them."""
    plain: dict[str, object] = {}
    candles: dict[str, list[str]] = {}
    for channel, names in connection.subscriptions.items():
        if channel.startswith(_CANDLES) and names:
            candles[channel.removeprefix(_CANDLES)] = list(names)
        elif names:
            plain[channel] = list(names)
    return {**plain, "candles": candles} if candles else plain


def acknowledge_oddly(connections: Iterable[ClientConnection]) -> None:
    """Acknowledge once more what each is subscribed to, with every other channel as null."""
    for connection in connections:
        subscriptions = {**dict.fromkeys(CHANNELS), **listed(connection)}
        send_json(connection, {"event": "subscribed", "subscriptions": subscriptions})


def _list(value: object) -> list[object]:
    """Return the list, or a list of None, so that a missing name is refused like a wrong one."""
    return value if isinstance(value, list) and value else [None]


def _keys(name: str, channel: dict[str, object]) -> list[str]:
    """Return our names for a channel: one for each interval of candles."""
    if name != "candles":
        return [name]
    keys = []
    for interval in _list(channel.get("interval")):
        if not isinstance(interval, str) or interval not in INTERVALS_S:
            raise Refusal(205, "channel.interval parameter is invalid.")
        keys.append(candles_key(interval))
    return keys
