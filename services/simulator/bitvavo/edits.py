"""Edits one message of Bitvavo into what it should never be."""

from typing import Any, Final

TEN_DIGITS: Final = "1234567891"
DUST: Final = f"0.{'0' * 400}1"  # which float64 cannot tell from nothing


def need_login(body: Any) -> Any:
    """Refuse a book to who has not logged in."""
    error = {"errorCode": 300, "error": "Authentication is required for this endpoint."}
    return {"action": "getBook", "market": body["response"]["market"], **error}


def age(body: Any) -> None:
    """Name the number before."""
    body["response"]["nonce"] -= 1


def deepen(body: Any) -> None:
    """Add more levels than a snapshot has."""
    worst = float(body["response"]["bids"][-1][0])
    more = [[f"{worst / (2 + number):.12f}", "1"] for number in range(1001)]
    body["response"]["bids"] += more


def skip(body: Any) -> None:
    """Let a number be left out now and then."""
    body["nonce"] += body["nonce"] // 10


def double(body: Any) -> None:
    """Let sizes be twice what they are."""
    body["bids"] = [[price, str(2 * float(size))] for price, size in body["bids"]]


def twice(body: Any) -> None:
    """Name one price twice."""
    body["asks"] = body["asks"][:1] + body["asks"]


def empty(body: Any) -> None:
    """Leave every tenth event empty."""
    if not body["nonce"] % 10:
        body["bids"], body["asks"] = [], []


def cross(body: Any) -> None:
    """Put a bid above all asks, and take it away."""
    body["bids"].append(["99999999", "1" if body["nonce"] % 2 else "0"])


def lengthen(body: Any) -> None:
    """Write more digits than a float64 has."""
    body["bids"] = [[price, f"{size}{TEN_DIGITS}{TEN_DIGITS}"] for price, size in body["bids"]]


def dust(body: Any) -> None:
    """Let sizes be next to nothing."""
    body["asks"] = [[price, DUST] for price, _ in body["asks"]]


def in_ms(body: Any) -> None:
    """Tell the time in ms."""
    body["timestamp"] //= 1_000_000


def step_back(body: Any) -> None:
    """Let every other event be a minute old."""
    body["timestamp"] -= body["nonce"] % 2 * 60_000_000_000


def halve(body: Any) -> None:
    """Leave out the size of a bid."""
    body.pop("bestBidSize", None)


def zero(body: Any) -> None:
    """Call the bids' best price zero."""
    if "bestBid" in body:
        body["bestBid"] = "0"


def null(body: Any) -> None:
    """Call the bids' best price null."""
    if "bestBid" in body:
        body["bestBid"] = None


def elsewhere(body: Any) -> None:
    """Tell prices that the book does not have."""
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
    """Be of a kind that nobody knows."""
    body["event"] = "novelty"


def spoil(body: Any) -> None:
    """Write a price in letters."""
    body["bids"] = [["many", "1"]]


def resize(body: Any) -> Any:
    """Let all sizes of the bids be one."""
    return {**body, "bids": [[price, "0.5"] for price, _ in body["bids"]]}


def shorten(body: Any) -> Any:
    """Leave out the last."""
    return body[:-1]


def pause(body: Any) -> Any:
    """Let a market have a status that nobody knows."""
    return [{**body[0], "status": "paused"}, *body[1:]]
