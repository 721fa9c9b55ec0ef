"""Loads the configured settings, filled up with each exchange's own defaults."""

import math
from collections.abc import Iterator, Mapping

from msgspec import convert

from booktape.errors import ConfigError
from shared.exchange import Exchange
from shared.process.settings import (
    SPREAD,
    DashboardSettings,
    ExchangeSettings,
    Settings,
    load,
)

SPREAD_MARKETS = 4
_DECLARED = (
    "symbols",
    "channels",
    "symbols_per_socket",
    "read_interval_ms",
    "websocket_url",
    "rest_url",
)


def load_settings(exchanges: Mapping[str, Exchange], environment: Mapping[str, str]) -> Settings:
    """Return the settings of the current folder, or of the file that BOOKTAPE_CONFIG names.

    Raise `ConfigError` with every fault; `exchanges` lists every exchange.
    """
    defaults = {name: _defaults(exchange) for name, exchange in exchanges.items()}
    settings = load(environment, exchanges=defaults)
    faults = [
        fault
        for name, exchange in exchanges.items()
        for fault in _find_scarce(exchange, settings.exchanges[name].limit_share)
    ]
    faults += _find_half_spread(settings.dashboard)
    if faults:
        raise ConfigError(faults)
    return settings


def _find_half_spread(dashboard: DashboardSettings) -> Iterator[str]:
    if len(dashboard.spread) not in {0, SPREAD_MARKETS}:
        yield f"dashboard.spread = {list(dashboard.spread)}: takes {SPREAD}"


def _defaults(exchange: Exchange) -> ExchangeSettings:
    return convert({name: getattr(exchange, name) for name in _DECLARED}, ExchangeSettings)


def _find_scarce(exchange: Exchange, share: float) -> Iterator[str]:
    """Yield a fault for each limit whose share is too small for a single request."""
    rest = exchange.rest
    calls = [rest.markets, rest.book, *([rest.trades] if rest.trades else [])]
    costs = [exchange.connect_cost, exchange.subscribe_cost, exchange.snapshot_cost]
    costs += [call.cost for call in calls]
    for name, limit in exchange.limits.items():
        dearest = max((cost.points for cost in costs if cost and cost.limit == name), default=1)
        if math.floor(limit.points * share) < dearest:
            yield (
                f"exchanges.{exchange.name}.limit_share = {share:g}: of the {limit.points} points "
                f"that limit {name!r} has, one question takes {dearest}"
            )
