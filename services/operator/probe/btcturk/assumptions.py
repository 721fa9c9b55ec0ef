"""Lists our code's assumptions about BtcTurk."""

from typing import Final

from services.operator.probe.table import Assumption

ASSUMPTIONS: Final = (
    Assumption("T1", "the version (991) comes first, and no login is asked for", "sockets"),
    Assumption("T2", "a pair that is not there is acknowledged all the same", "joins"),
    Assumption("T3", "a second join is refused", "joins"),
    Assumption("T4", "the first data of obdiff is its 431", "books"),
    Assumption("T5", "the first 432 has the next number", "books"),
    Assumption("T6", "every step of a number is 1", "steps", enough=50),
    Assumption("T7", "two sockets count differently", "books"),
    Assumption("T8", "CP 1 is a new level, CP 0 and 3 are known ones", "levels", enough=50),
    Assumption("T9", "CP 3 carries the last size", "levels", enough=20),
    Assumption("T10", "a side has at most 100 levels", "sides", enough=50),
    Assumption("T11", "leave and join brings a 431 within 2 s", "resyncs"),
    Assumption("T12", "that 431 is the book of another socket", "resyncs"),
    Assumption("T13", "no 431 comes unasked", "books"),
    Assumption("T14", "the book over REST is one of 3 s before or after", "books", share=0.9),
    Assumption("T15", "no price twice on a side of one message", "sides", enough=50),
    Assumption("T16", "a book is never crossed nor locked", "books", enough=50),
    Assumption("T17", "S 1 is a buy of the taker", "trades at the touch", enough=3, share=0.9),
    Assumption("T18", "a 421 has 50 trades, the newest first, and 422 follow", "lists"),
    Assumption("T19", "trade ids rise", "steps"),
    Assumption("T20", "ids over REST are those of the socket", "trades"),
    Assumption("T21", "401 has every pair that trades", "messages", enough=5),
    Assumption("T22", "401 comes at least each 2 s", "messages", enough=5),
    Assumption("T23", "a ticker is the book's touch within 1 s", "tickers", enough=20, share=0.9),
    Assumption("T24", "an empty side is empty text, null or 0", "empty sides", is_rare=True),
    Assumption("T25", "a ping comes every 15 s", "pings"),
    Assumption("T26", "50 pairs of one socket all begin", "pairs"),
    Assumption("T27", "200 pairs of one socket all begin", "pairs"),
    Assumption("T28", "all pairs on one socket all begin", "pairs"),
    Assumption("T29", "no book is silent for 10 s while its ticker moves", "pairs"),
    Assumption("T30", "float64 keeps every digit", "numbers", enough=100),
    Assumption("T31", "a pair's name is numerator and denominator", "pairs"),
    Assumption("T32", "a pair's status is TRADING", "pairs"),
)
