"""The markets that a simulated exchange lists: names, prices, digits, activity."""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass

BITVAVO_SYMBOLS_MAX = 437
BTCTURK_SYMBOLS_MAX = 379
LEVELS_MIN = 25

# What a coin costs in EUR; the rest is drawn. One dollar is a little less, one lira far less.
_PRICES = {
    "BTC": 75500.0,
    "ETH": 2790.0,
    "USDT": 0.8652,
    "USDC": 0.8653,
    "XRP": 1.39642,
    "SOL": 141.3,
    "ADA": 0.6123,
    "DOGE": 0.1432,
    "SHIB": 0.0000087,
    "PEPE": 0.0000061,
    "BTT": 0.00000043,
}
_EUR_PER_QUOTE = {"EUR": 1.0, "USDC": 0.8653, "USDT": 0.8652, "TRY": 0.0199}
_COINS: str = (
    "BTC ETH USDT XRP SOL ADA DOGE LINK AVAX DOT LTC SHIB PEPE TRX BCH NEAR UNI ATOM XLM ETC FIL "
    "APT ARB OP SUI INJ IMX HBAR VET ALGO AAVE MKR GRT SAND MANA AXS THETA EGLD XTZ FLOW CHZ EOS "
    "NEO KSM ZEC DASH 1INCH ACH ADX AE AKRO ALICE ALPHA AMP ANKR ANT APE AR ARK ATA AUDIO BAL BAND "
    "BAT BLUR BNB BNT BOND BTT CAKE CELO CELR CHR CLV COMP COTI CRO CRV CTSI CVC CVX DAI DATA DCR "
    "DENT DGB DIA DUSK DYDX ELF ENJ ENS FET FLOKI FORTH FTM FXS GALA GAS GHST GLM GLMR GMT GNO HNT "
    "HOT ICP ICX ILV IOST JST KAVA KNC LDO LINA LIT LPT LRC LSK LTO LUNA MASK MINA MLN MOVR NANO "
    "NKN NMR NU OCEAN OGN OMG ONE ONG ONT OXT PAXG PERP PHA POL POLYX POND POWR QNT QTUM RAD REEF "
    "REN REQ RLC RNDR ROSE RPL RSR RUNE RVN SKL SLP SNT SNX STEEM STMX STORJ STRAX STX SUPER SUSHI "
    "SXP SYS TOMO TRB UMA USDC UTK VTHO WAVES WIN WLD WOO XEM XVG YFI ZIL ZRX ACM AGIX API3 ARPA "
    "ATM BAR CITY ETHW FLR JUV LUNC MAGIC PLA PSG SPELL XCN WMTX FUN SEI TIA JUP PYTH BONK WIF ENA"
)
_USDC_MARKETS = 11


@dataclass(frozen=True, slots=True)
class Listing:
    """One market as it is listed; its prices are counted in ticks, its sizes in units.

    `operations` is how many orders change a book between two messages, on average.
    """

    raw_symbol: str
    base: str
    quote: str
    number: int
    price_ticks: int
    tick_units: int
    price_decimals: int
    size_decimals: int
    messages_per_s: float
    operations: float
    levels: int

    @property
    def symbol(self) -> str:
        """Return our name, BASE-QUOTE."""
        return f"{self.base}-{self.quote}"

    @property
    def price(self) -> float:
        """Return about what one coin costs at the start."""
        return self.price_ticks * self.tick_units / 10.0**self.price_decimals


def bitvavo(count: int, *, levels: int) -> list[Listing]:
    """Return the busiest `count` markets; 437 events/s-weighted markets make about 1,000 events/s.

    `levels` is the depth of a side in the busiest book; quiet books are thinner.
    """
    listings = []
    for index, (base, quote) in enumerate(_take(_bitvavo_pairs(), count)):
        price = _price(base, quote)
        # About five digits lead the price; the text has a digit more than the tick, as on the wire.
        decimals = max(2, min(10, 5 - math.floor(math.log10(price))))
        tick_units = 100 if base == "BTC" else 10
        listings.append(
            Listing(
                raw_symbol=f"{base}-{quote}",
                base=base,
                quote=quote,
                number=431 + index,
                price_ticks=_ticks(price, decimals, tick_units),
                tick_units=tick_units,
                price_decimals=decimals,
                size_decimals=_size_decimals(price),
                messages_per_s=9.7 * math.exp(-index / 104),
                operations=3.1,
                levels=_depth(levels, index),
            )
        )
    return listings


def btcturk(count: int, *, levels: int) -> list[Listing]:
    """Return the busiest `count` pairs, half in TRY and half in USDT; see `bitvavo`."""
    listings = []
    for index, (base, quote) in enumerate(_take(_btcturk_pairs(), count)):
        price = _price(base, quote)
        decimals = max(0, min(8, 4 - math.floor(math.log10(price))))
        listings.append(
            Listing(
                raw_symbol=f"{base}{quote}",
                base=base,
                quote=quote,
                number=index + 1,
                price_ticks=_ticks(price, decimals, 1),
                tick_units=1,
                price_decimals=decimals,
                # A few amounts have 12 digits on the wire, most have 8.
                size_decimals=12,
                messages_per_s=1.04 * math.exp(-index / 180),
                operations=3.8,
                levels=_depth(levels, index),
            )
        )
    return listings


def _bitvavo_pairs() -> Iterator[tuple[str, str]]:
    euro_markets = BITVAVO_SYMBOLS_MAX - _USDC_MARKETS
    for base in _bases(euro_markets):
        yield base, "EUR"
    for base in _bases(_USDC_MARKETS):
        yield base, "USDC"


def _btcturk_pairs() -> Iterator[tuple[str, str]]:
    # The default pairs come first; then the busy ones of both quotes by turns.
    bases = _bases(BTCTURK_SYMBOLS_MAX // 2 + 2)
    in_dollars = [base for base in bases if base != "USDT"]
    yield from ((base, "TRY") for base in bases[:3])
    yield in_dollars[0], "USDT"
    for dollar, lira in zip(in_dollars[1:], bases[3:], strict=False):
        yield dollar, "USDT"
        yield lira, "TRY"


def _bases(count: int) -> list[str]:
    """Return real coin names, then made-up ones; always the same."""
    names: dict[str, None] = dict.fromkeys(_COINS.split())
    rng = random.Random("coins")
    while len(names) < count:
        names["".join(rng.choices("ABCDEFGHIKLMNOPRSTUVXZ", k=rng.choice((3, 4, 4, 5))))] = None
    return list(names)[:count]


def _take(pairs: Iterator[tuple[str, str]], count: int) -> Iterator[tuple[str, str]]:
    return (pair for pair, _ in zip(pairs, range(count), strict=False))


def _price(base: str, quote: str) -> float:
    drawn: float = 10 ** random.Random(f"price of {base}").uniform(-3, 2)
    return _PRICES.get(base, drawn) / _EUR_PER_QUOTE[quote]


def _ticks(price: float, decimals: int, tick_units: int) -> int:
    return max(100, round(price * 10.0**decimals / tick_units))


def _size_decimals(price: float) -> int:
    if price < 0.0001:  # noqa: PLR2004 - a coin this cheap is traded in whole ones
        return 2
    return 8 if price > 100 else 6  # noqa: PLR2004 - as BTC and XRP are on the wire


def _depth(levels: int, index: int) -> int:
    return max(min(levels, LEVELS_MIN), round(levels * math.exp(-index / 150)))
