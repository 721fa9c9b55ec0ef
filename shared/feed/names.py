"""Translates our names of symbols into the exchange's."""

from collections.abc import Iterable, Mapping

from shared.exchange import Exchange, ListedMarket


class Names:
    """The names that the feeds use; only the thread that requests the list of markets sets them."""

    def __init__(self, exchange: Exchange) -> None:
        """Start with the exchange's rule."""
        self.is_known = exchange.names == "rule"
        self.listed: Mapping[str, str] = {}  # ours -> the exchange's; a change replaces it whole
        self._rule = exchange.raw_symbol
        self._is_rule = self.is_known

    def learn(self, markets: Iterable[ListedMarket]) -> None:
        """Take the names from a list of markets, unless the exchange forms its names by a rule."""
        if self._is_rule:
            return
        listed = {market.symbol: market.raw_symbol for market in markets}
        if listed != self.listed:
            self.listed = listed
        self.is_known = True

    def raw_symbol(self, symbol: str) -> str:
        """Return the exchange's name of our symbol: the listed name, else the rule's."""
        return self.listed.get(symbol) or self._rule(symbol)

    def raw_symbols(self, symbols: Iterable[str]) -> dict[str, str]:
        """Return a map from the exchange's names of these symbols to ours."""
        return {self.raw_symbol(symbol): symbol for symbol in symbols}
