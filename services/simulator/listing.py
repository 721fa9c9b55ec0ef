"""The listing of a simulated exchange: names, prices, digits and activity of its markets."""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass

LEVELS_MIN = 25

# Prices of coins in EUR; chance draws the others. A dollar is a little less, a lira far less.
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


@dataclass(frozen=True, slots=True)
class Listing:
    """A listed market; its prices count ticks, its sizes units.

    `operations` is the mean number of orders that change a book between two messages.
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
        """Return the rough price of one coin at the start."""
        return self.price_ticks * self.tick_units / 10.0**self.price_decimals


def bases(count: int) -> list[str]:
    """Return real coin names, then made-up ones; always the same."""
    names: dict[str, None] = dict.fromkeys(_COINS.split())
    rng = random.Random("coins")
    while len(names) < count:
        names["".join(rng.choices("ABCDEFGHIKLMNOPRSTUVXZ", k=rng.choice((3, 4, 4, 5))))] = None
    return list(names)[:count]


def first(pairs: Iterator[tuple[str, str]], count: int) -> Iterator[tuple[str, str]]:
    """Return the first `count` pairs."""
    return (pair for pair, _ in zip(pairs, range(count), strict=False))


def price(base: str, quote: str) -> float:
    """Return the rough price of one coin, in the quote."""
    drawn: float = 10 ** random.Random(f"price of {base}").uniform(-3, 2)
    return _PRICES.get(base, drawn) / _EUR_PER_QUOTE[quote]


def ticks(price: float, decimals: int, tick_units: int) -> int:
    """Return a price in ticks, at least 100 of them."""
    return max(100, round(price * 10.0**decimals / tick_units))


def size_decimals(price: float) -> int:
    """Return the number of decimals in the size of a coin at this price."""
    if price < 0.0001:  # noqa: PLR2004 - a coin this cheap is traded in whole ones
        return 2
    return 8 if price > 100 else 6  # noqa: PLR2004 - as BTC and XRP are on the wire


def draw_size(listing: Listing, rng: random.Random) -> int:
    """Return a size worth 10 to 10,000; some are round, as people type them."""
    coins = 10 ** rng.uniform(1, 4) / max(listing.price, 1e-12)
    digits = 2 - math.floor(math.log10(coins)) if rng.random() < 0.3 else 8  # noqa: PLR2004
    step: int = 10 ** max(0, listing.size_decimals - max(digits, 0))
    units = int(coins * 10.0**listing.size_decimals)
    if listing.size_decimals == 12 and rng.random() < 0.01:  # noqa: PLR2004
        return max(1, units)  # the odd amount of 12 digits that BtcTurk sends
    return max(1, units // step) * step


def depth(levels: int, index: int) -> int:
    """Return the number of levels on a side of the book at this place of the list."""
    return max(min(levels, LEVELS_MIN), round(levels * math.exp(-index / 150)))
