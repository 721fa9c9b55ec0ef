"""Small tapes of one session each, whose books all end: a connection, the clock, the session."""

from typing import Final

# R4: one socket of two is lost; the row lists whose books end (schema 2).
SOCKET_LOST: Final = """
session btcturk a
0    -       session_start
1    BTC-TRY snapshot 99x1 | 101x1
1    ETH-TRY snapshot 9x1 | 11x1
1    XRP-TRY snapshot 3x1 | 4x1
2    -       stale {"connection":1,"silent_s":20,"symbols":["ETH-TRY"]}
3    -       disconnected {"connection":1,"symbols":["ETH-TRY","XRP-TRY"]}
4    BTC-TRY delta 99x2 |
5    ETH-TRY snapshot 9x5 | 11x5
6    -       disk_full {"symbols":["BTC-TRY","ETH-TRY"]}
7    BTC-TRY snapshot 98x1 | 102x1
8    -       disconnected {"connection":0,"symbols":[]}
9    -       session_end stopped
"""

# R4: the same without lists (schema 1): what ends is a book without another row of its epoch.
SOCKET_LOST_BEFORE: Final = """
session btcturk a schema=1
0    -       session_start
1    BTC-TRY snapshot 99x1 | 101x1
1    ETH-TRY snapshot 9x1 | 11x1
1    XRP-TRY snapshot 3x1 | 4x1
1    USDT-TRY snapshot 33x1 | 34x1
2    ETH-TRY delta 9x2 |
3    -       disconnected {}
4    BTC-TRY delta 99x2 |
5    ETH-TRY snapshot 9x5 | 11x5
5.5  USDT-TRY checkpoint 33x1 | 34x1
6    -       stale {"silent_s":20}
7    BTC-TRY checkpoint 99x2 | 101x1
8    BTC-TRY delta 99x3 |
9    -       session_end stopped
"""

# R4: a poll that fails ends a book; the one that has a symbol and is limited does not.
POLLS: Final = """
session bitvavo a
0    -       session_start rest
1    BTC-EUR snapshot 99x1 | 101x1 sequence=none
1    ETH-EUR snapshot 9x1 | 11x1 sequence=none
2    BTC-EUR snapshot 99x2 | 101x1 sequence=none
2    ETH-EUR subscription_refused {"status":404}
3    BTC-EUR snapshot 99x3 | 101x1 sequence=none
3    ETH-EUR snapshot 9x3 | 11x1 sequence=none
4    -       rate_limited {"wait_s":1}
6    BTC-EUR snapshot 99x6 | 101x1 sequence=none
6    ETH-EUR snapshot 9x6 | 11x1 sequence=none
7    BTC-EUR rate_limited {"wait_s":1}
8    -       session_end stopped
"""

# R4: the end of a killed session is written by the next start, here an hour later.
KILLED: Final = """
session bitvavo a
0    -       session_start
1    BTC-EUR snapshot 99x1 | 101x1
1    ETH-EUR snapshot 9x1 | 11x1
2    BTC-EUR delta 99x2 |
3    BTC-EUR trade t1 buy 101x0.5 event=2.9
3602 -       session_end killed
"""

# R4: the session goes on, or its rest is not stored yet.
OPEN: Final = """
session bitvavo a
0    -       session_start
1    BTC-EUR snapshot 99x1 | 101x1
1    ETH-EUR snapshot 9x1 | 11x1
2    BTC-EUR delta 99x2 |
4    ETH-EUR ticker 9x1 | 11x1 last=10
"""

# R4: a flush in the middle is not there, and no row says so: its events may have been anything.
FLUSH_MISSING: Final = """
session bitvavo a
0    -       session_start
1    BTC-EUR snapshot 99x1 | 101x1
1    ETH-EUR snapshot 9x1 | 11x1
2    BTC-EUR delta 99x2 |
flush
3    ETH-EUR delta 9x2 |
4    BTC-EUR delta 99x3 |
flush lost
5    BTC-EUR delta 99x4 |
6    ETH-EUR checkpoint 9x2 | 11x1
7    ETH-EUR delta 9x3 |
8    -       session_end stopped
"""

# R4: behind a hole only a snapshot or a checkpoint opens again; the hole's time is the writer's.
JOURNAL_HOLE: Final = """
session bitvavo a
0    -       session_start
1    BTC-EUR snapshot 99x1 | 101x1
1    ETH-EUR snapshot 9x1 | 11x1
2    BTC-EUR delta 99x2 |
60   -       journal_hole expected=4 received=9
3    BTC-EUR delta 99x3 | sequence=105
4    ETH-EUR delta 9x3 | sequence=105
5    BTC-EUR checkpoint 99x3 98x4 | 101x1
6    BTC-EUR delta 98x5 |
7    ETH-EUR snapshot 9x7 | 11x1 sequence=200
3600 -       session_end killed
"""

# R4, R6: the clock goes back by three seconds; what was known then is known twice.
CLOCK_BACK: Final = """
session bitvavo a
0    -       session_start
10   BTC-EUR snapshot 99x1 | 101x1
10   ETH-EUR snapshot 9x1 | 11x1
12   BTC-EUR delta 99x2 |
13   ETH-EUR delta 9x3 |
10.5 -       clock_step {"step_s":-3.0}
10.6 BTC-EUR delta 99x3 |
11   BTC-EUR checkpoint 99x3 | 101x1
11.5 BTC-EUR delta 99x4 |
12.5 BTC-EUR delta 99x5 |
600  -       session_end killed
"""

# R6, R7: a span of the clock that went back lies inside an earlier one of the same epoch, which
# has the book again behind it.
CLOCK_BACK_INSIDE: Final = """
session bitvavo a
0    -       session_start
10   BTC-EUR snapshot 99x1 | 101x1
12   BTC-EUR delta 99x2 |
13.5 BTC-EUR gap {"channel":"book"}
11   -       clock_step {"step_s":-2.5}
12.5 BTC-EUR checkpoint 98x7 | 101x1
13   BTC-EUR delta 98x8 |
600  -       session_end killed
"""

# R4: the clock goes back some flushes after the last row of a book, which ends behind that row.
CLOCK_BACK_LATER: Final = """
session bitvavo a
0    -       session_start
1    BTC-EUR snapshot 99x1 | 101x1
2    BTC-EUR delta 99x2 |
flush
60   ETH-EUR snapshot 9x1 | 11x1
flush
120  ETH-EUR delta 9x2 |
flush
180  ETH-EUR delta 9x3 |
flush
240  ETH-EUR delta 9x4 |
238  -       clock_step {"step_s":-2.5}
240  -       session_end stopped
"""

# The writer cuts at midnight: two manifests, two dates, one span.
MIDNIGHT: Final = """
session bitvavo a
23:59:50 -       session_start
23:59:58 BTC-EUR snapshot 99x1 | 101x1
23:59:59 BTC-EUR delta 99x2 |
23:59:59.999999 BTC-EUR trade t1 buy 101x0.5
24:00:00 BTC-EUR delta 99x3 |
24:00:01 BTC-EUR trade t2 sell 99x0.25
24:00:02 -       session_end stopped
"""

TAPES_OF_ENDS: Final = {
    "socket_lost": SOCKET_LOST,
    "socket_lost_before": SOCKET_LOST_BEFORE,
    "polls": POLLS,
    "killed": KILLED,
    "open": OPEN,
    "flush_missing": FLUSH_MISSING,
    "journal_hole": JOURNAL_HOLE,
    "clock_back": CLOCK_BACK,
    "clock_back_inside": CLOCK_BACK_INSIDE,
    "clock_back_later": CLOCK_BACK_LATER,
    "midnight": MIDNIGHT,
}
