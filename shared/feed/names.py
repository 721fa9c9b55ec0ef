"""Translates our names of symbols into the exchange's."""

from collections.abc import Iterable, Mapping

from shared.exchange import Exchange, ListedMarket


class Names:
    """Gives names to the feeds; only the thread that requests the list of markets changes them."""

    def __init__(self, exchange: Exchange) -> None:
        """Start with the exchange's rule."""
        self.is_known = exchange.names == "rule"
        self.listed: Mapping[str, str] = {}  # ours -> the exchange's; another one where it changes
        self._rule = exchange.raw_symbol
        self._is_rule = self.is_known

    def learn(self, markets: Iterable[ListedMarket]) -> None:
        """Take the names of a list of markets, where the exchange's are not made by a rule."""
        if self._is_rule:
            return
        listed = {market.symbol: market.raw_symbol for market in markets}
        if listed != self.listed:
            self.listed = listed
        self.is_known = True

    def raw_symbol(self, symbol: str) -> str:
        """Return the exchange's name of a symbol of ours: as it is listed, else by the rule."""
        return self.listed.get(symbol) or self._rule(symbol)

    def raw_symbols(self, symbols: Iterable[str]) -> dict[str, str]:
        """Return the exchange's names of symbols of ours, each with ours."""
        return {self.raw_symbol(symbol): symbol for symbol in symbols}
