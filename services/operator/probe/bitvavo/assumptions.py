"""Lists our code's assumptions about Bitvavo."""

from typing import Final

from services.operator.probe.table import Assumption

ASSUMPTIONS: Final = (
    Assumption("B1", "a handshake without an origin, with our User-Agent, is let in", "handshakes"),
    Assumption("B2", "one frame subscribes all; its acknowledgement lists all", "names"),
    Assumption("B3", "getBook is answered without requestId and login", "answers"),
    Assumption("B4", "a snapshot's nonce is that of the newest event sent", "snapshots"),
    Assumption("B5", "every step of a nonce is 1", "steps", enough=100),
    Assumption("B6", "a snapshot has at most 1,000 levels a side", "sides"),
    Assumption("B7", "size is the new total, 0 deletes", "levels compared", enough=100),
    Assumption("B8", "the book over REST is the socket's at its nonce", "books"),
    Assumption("B9", "no price twice on a side of one event", "sides", enough=100),
    Assumption("B10", "an event changes something", "events", enough=100),
    Assumption("B11", "a book is never crossed nor locked", "books", enough=100),
    Assumption("B12", "float64 keeps every digit", "numbers", enough=100),
    Assumption("B13", "a book's time is an integer, in ns", "times", enough=100),
    Assumption("B14", "a market's times never step back", "times", enough=100),
    Assumption("B15", "a ticker brings price and size of a side together", "sides", enough=20),
    Assumption(
        "B16", "an empty side of a ticker is null or empty text", "empty sides", is_rare=True
    ),
    Assumption(
        "B17", "a ticker is the book's touch within 200 ms", "tickers", enough=20, share=0.9
    ),
    Assumption("B18", "a trade's side is the taker's", "trades at the touch", enough=5, share=0.9),
    Assumption("B19", "trade ids step by one a market", "steps", enough=3),
    Assumption("B20", "tradeIdFrom is inclusive, the newest trade first", "lists"),
    Assumption("B21", "an id of long ago, or unknown, is no error that bans", "answers", enough=2),
    Assumption("B22", "a list of trades costs 5 points", "lists"),
    Assumption("B23", "the headers count the socket's questions", "rounds"),
    Assumption("B24", "resetat is a whole minute", "headers"),
    Assumption("B25", "a ping comes every 50 s", "pings"),
    Assumption("B26", "one bad name refuses a whole subscribe, and is named", "refusals"),
    Assumption("B27", "an unsubscribe ends events at once", "markets"),
    Assumption("B28", "subscribing again brings nothing twice", "events", enough=10),
    Assumption("B29", "no event comes before its acknowledgement", "markets"),
    Assumption("B30", "two sockets bring the same bytes under a nonce", "events", enough=10),
    Assumption("B31", "three connections within 10 s are let in", "connections", enough=3),
    Assumption("B32", "a market's status is one that we know", "markets"),
    Assumption(
        "B33", "getBook of a market that is not trading is error 431", "markets", is_rare=True
    ),
    Assumption("B34", "a market that is not trading may be subscribed to", "markets", is_rare=True),
    Assumption("B35", "no book is silent for 10 s while its ticker moves", "markets"),
    Assumption("B36", "an unknown path is refused, and bans nobody", "answers"),
)
