"""The configuration, with what the exchanges declare for whatever it leaves open."""

from collections.abc import Mapping

from msgspec import convert

from shared.exchange import Exchange
from shared.process.settings import ExchangeSettings, Settings, load

_DECLARED = ("symbols", "channels", "symbols_per_socket", "websocket_url", "rest_url")


def load_settings(exchanges: Mapping[str, Exchange], environment: Mapping[str, str]) -> Settings:
    """Return the configuration of the current folder, or the one that BOOKTAPE_CONFIG names.

    Raise `ConfigError` with every fault; `exchanges` are all that there are.
    """
    defaults = {name: _defaults(exchange) for name, exchange in exchanges.items()}
    return load(environment, exchanges=defaults)


def _defaults(exchange: Exchange) -> ExchangeSettings:
    return convert({name: getattr(exchange, name) for name in _DECLARED}, ExchangeSettings)
