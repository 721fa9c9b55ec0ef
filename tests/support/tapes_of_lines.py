"""Small tapes of several sessions: lines, restarts, upgrades, two exchanges."""

from typing import Final

# R7: line a where it knows the book, else line b. The prices tell the two apart.
TWO_LINES: Final = """
session bitvavo b
0    -       session_start
1    BTC-EUR snapshot 50x1 | 60x1
8    BTC-EUR delta 50x8 |
11   BTC-EUR delta 50x11 |
20   -       session_end stopped
session bitvavo a
0.5  -       session_start
2    BTC-EUR snapshot 99x1 | 101x1
4    BTC-EUR delta 99x4 |
5    BTC-EUR gap expected=7 received=9 {"channel":"book"}
6    BTC-EUR snapshot 99x6 | 101x1
9    BTC-EUR delta 99x9 |
10   -       session_end stopped
session bitvavo a
12   -       session_start
13   BTC-EUR snapshot 98x13 | 102x1
30   -       session_end stopped
"""

# R7: of two sessions of one line the latest that knows the book.
OVERLAP: Final = """
session bitvavo a
0    -       session_start
1    BTC-EUR snapshot 50x1 | 60x1
9    BTC-EUR delta 50x9 |
10   -       session_end stopped
session bitvavo a
4    -       session_start
5    BTC-EUR snapshot 99x5 | 101x1
6    BTC-EUR resync {}
7    BTC-EUR snapshot 99x7 | 101x1
8    -       session_end stopped
"""

# R10: why nothing is known, where two sessions end at one instant, and where one is empty.
CAUSES: Final = """
session bitvavo b
0    -       session_start
0.1  -       connected {"connection":0}
1    BTC-EUR snapshot 50x1 | 60x1
5    BTC-EUR gap {"channel":"book"}
7    BTC-EUR snapshot 50x7 | 60x1
7    BTC-EUR mismatch {"differ":1}
20   -       session_end stopped
session bitvavo a
0.5  -       session_start
2    BTC-EUR snapshot 99x1 | 101x1
5    BTC-EUR stale {"silent_s":20}
9    BTC-EUR snapshot 99x9 | 101x1
10   BTC-EUR resync {}
15   -       session_end stopped
"""

# A session that was killed, the next one, and the time between them that nobody watched.
RESTART: Final = """
session bitvavo a
0    -       session_start
1    BTC-EUR snapshot 99x1 | 101x1
3    BTC-EUR delta 99x3 |
8    -       session_end killed
session bitvavo a
8    -       session_start
9    BTC-EUR snapshot 99x9 | 101x1
12   -       session_end stopped
"""

# A release writes schema 1, the next one schema 2; sequences of two connections begin anew.
UPGRADE: Final = """
session btcturk a schema=1
0    -       session_start
1    BTC-TRY snapshot 99x1 | 101x1 sequence=5000
2    BTC-TRY delta 99x2 |
3    -       disconnected {}
4    BTC-TRY snapshot 99x4 | 101x1 sequence=20
5    -       session_end stopped
session btcturk a
5    -       session_start
6    BTC-TRY snapshot 99x6 | 101x1 sequence=10
7    BTC-TRY delta 99x7 | previous=10 sequence=11
8    -       disconnected {"connection":0,"symbols":["BTC-TRY"]}
9    BTC-TRY snapshot 99x9 | 101x1 sequence=7
10   -       session_end stopped
"""

# Two lines of BtcTurk: one change has a number of its own in each.
TWO_SEQUENCES: Final = """
session btcturk a
0    -       session_start
1    BTC-TRY snapshot 99x1 | 101x1 sequence=900
2    BTC-TRY delta 99x2 |
4    BTC-TRY gap expected=902 received=904 {"channel":"book"}
6    -       session_end stopped
session btcturk b
0.5  -       session_start
1    BTC-TRY snapshot 99x1 | 101x1 sequence=100
2.1  BTC-TRY delta 99x2 |
3    BTC-TRY delta 99x3 |
6    -       session_end stopped
"""

# Storing goes on while a book is crossed.
CROSSED: Final = """
session bitvavo a
0    -       session_start
1    BTC-EUR snapshot 99x1 98x1 | 101x1
2    BTC-EUR delta 102x2 |
2    BTC-EUR crossed {"bid":102,"ask":101}
3    BTC-EUR delta 101x4 |
4    BTC-EUR delta 102x0 101x0 |
5    -       session_end stopped
"""

# R12: an arbitrage in euro over lira, by way of USDT; then legs that are one-sided and lost.
SPREAD: Final = """
session bitvavo a
0    -        session_start
1    BTC-EUR  snapshot 100x1 96x2 | 104x1 108x2
1    USDT-EUR snapshot 1x1000 | 1.25x1000
1    ETH-EUR  snapshot 9x1 | 10x1 11x5
4    USDT-EUR delta | 1.25x0
5    USDT-EUR delta | 1.25x1000
7    BTC-EUR  delta 128x4 |
9    -        session_end stopped
session btcturk a
0    -        session_start
2    BTC-TRY  snapshot 4800x0.5 4480x3 | 4960x1
2    USDT-TRY snapshot 32x1000 | 40x1000
2    ETH-EUR  snapshot 12x1 10.5x1 | 13x1
6    USDT-TRY gap {"channel":"book"}
6.5  USDT-TRY snapshot 32x1000 | 32x1000
8    BTC-TRY  delta | 2048x1
9    -        session_end stopped
"""

TAPES_OF_LINES: Final = {
    "two_lines": TWO_LINES,
    "overlap": OVERLAP,
    "causes": CAUSES,
    "restart": RESTART,
    "upgrade": UPGRADE,
    "two_sequences": TWO_SEQUENCES,
    "crossed": CROSSED,
    "spread": SPREAD,
}
