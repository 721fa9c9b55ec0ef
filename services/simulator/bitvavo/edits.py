"""Edits one message of Bitvavo so that it breaks one assumption."""

from typing import Any, Final

TEN_DIGITS: Final = "1234567891"
DUST: Final = f"0.{'0' * 400}1"  # float64 makes 0 of it


def need_login(body: Any) -> Any:
    """Refuse a book to a client without a login."""
    error = {"errorCode": 300, "error": "Authentication is required for this endpoint."}
    return {"action": "getBook", "market": body["response"]["market"], **error}


def age(body: Any) -> None:
    """Give the number before."""
    body["response"]["nonce"] -= 1


def deepen(body: Any) -> None:
    """Add more levels than a snapshot has."""
    worst = float(body["response"]["bids"][-1][0])
    more = [[f"{worst / (2 + number):.12f}", "1"] for number in range(1001)]
    body["response"]["bids"] += more


def skip(body: Any) -> None:
    """Skip a number now and then."""
    body["nonce"] += body["nonce"] // 10


def double(body: Any) -> None:
    """Double the sizes."""
    body["bids"] = [[price, str(2 * float(size))] for price, size in body["bids"]]


def twice(body: Any) -> None:
    """Name one price twice."""
    body["asks"] = body["asks"][:1] + body["asks"]


def empty(body: Any) -> None:
    """Leave every tenth event empty."""
    if not body["nonce"] % 10:
        body["bids"], body["asks"] = [], []


def cross(body: Any) -> None:
    """Put a bid above all asks, then remove it."""
    body["bids"].append(["99999999", "1" if body["nonce"] % 2 else "0"])


def lengthen(body: Any) -> None:
    """Write more digits than a float64 has."""
    body["bids"] = [[price, f"{size}{TEN_DIGITS}{TEN_DIGITS}"] for price, size in body["bids"]]


def dust(body: Any) -> None:
    """Make sizes almost zero."""
    body["asks"] = [[price, DUST] for price, _ in body["asks"]]


def in_ms(body: Any) -> None:
    """Write the time in ms."""
    body["timestamp"] //= 1_000_000


def step_back(body: Any) -> None:
    """Make every other event a minute old."""
    body["timestamp"] -= body["nonce"] % 2 * 60_000_000_000


def halve(body: Any) -> None:
    """Leave out the size of a bid."""
    body.pop("bestBidSize", None)


def zero(body: Any) -> None:
    """Write zero as the best bid."""
    if "bestBid" in body:
        body["bestBid"] = "0"


def null(body: Any) -> None:
    """Write null as the best bid."""
    if "bestBid" in body:
        body["bestBid"] = None


def elsewhere(body: Any) -> None:
    """Give prices that the book does not have."""
    for side in ("bestBid", "bestAsk"):
        if side in body:
            body[side] = str(1.01 * float(body[side]))


def maker(body: Any) -> None:
    """Name the maker's side."""
    body["side"] = {"buy": "sell", "sell": "buy"}[body["side"]]


def id_by_two(body: Any) -> None:
    """Count trades by two."""
    head, _, number = body["id"].rpartition("-")
    body["id"] = f"{head}-{2 * int(number, 16):012x}"


def rename(body: Any) -> None:
    """Give the message an unknown kind."""
    body["event"] = "novelty"


def spoil(body: Any) -> None:
    """Write a price in letters."""
    body["bids"] = [["many", "1"]]


def resize(body: Any) -> Any:
    """Set all sizes of the bids to one."""
    return {**body, "bids": [[price, "0.5"] for price, _ in body["bids"]]}


def shorten(body: Any) -> Any:
    """Leave out the last row."""
    return body[:-1]


def pause(body: Any) -> Any:
    """Give a market an unknown status."""
    return [{**body[0], "status": "paused"}, *body[1:]]
