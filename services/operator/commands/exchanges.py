"""The command `exchanges`: lists every exchange."""

from collections.abc import Mapping

from shared.exchange import Exchange


def run(exchanges: Mapping[str, Exchange]) -> int:
    """Print each exchange with its default symbols and channels."""
    width = max(map(len, exchanges), default=0)
    for name, exchange in exchanges.items():
        print(f"{name:<{width}}  symbols   {', '.join(exchange.symbols)}")
        print(f"{'':<{width}}  channels  {', '.join(exchange.channels)}")
        print(f"{'':<{width}}  {exchange.websocket_url}  {exchange.rest_url}")
    return 0
