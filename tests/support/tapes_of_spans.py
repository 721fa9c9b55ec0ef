"""Makes small tapes of spans, one session each: books begin, go on, end by rows of their own."""

from typing import Final

# R3: what was held for a snapshot carries an earlier time than the snapshot that it follows.
HELD_DELTAS: Final = """
session bitvavo a
0    -       session_start
0.1  -       connected {"connection":0}
0.1  BTC-EUR subscribed {"connection":0}
1.5  BTC-EUR snapshot 99x1 98x2 | 101x1 102x4
1.2  BTC-EUR delta 99x3 |
1.3  BTC-EUR delta | 101x0
2    BTC-EUR delta 98x0 |
1.9  BTC-EUR delta 97x5 |          # no step of the clock was seen
1.8  BTC-EUR resync {"channel":"book"}
4    -       session_end stopped
"""

# R3: one read brings several messages, and nobody sees the book between them.
ONE_INSTANT: Final = """
session bitvavo a
0    -       session_start
1    BTC-EUR snapshot 99x1 | 101x1
2    BTC-EUR delta 99x0 100x7 |
2    BTC-EUR delta | 101x0 102x3
2    BTC-EUR delta 100x8 |
2    ETH-EUR snapshot 9x1 | 11x1
2    ETH-EUR gap expected=101 received=105 {"channel":"book"}
3    BTC-EUR delta 100x9 |
3    BTC-EUR gap expected=104 received=107 {"channel":"book"}
3    BTC-EUR snapshot 98x1 | 103x1 sequence=110
3    BTC-EUR delta 98x2 |
5    -       session_end stopped
"""

# R2: an event without levels changes nothing; a book may lack a side, or both.
ONE_SIDED: Final = """
session bitvavo a
0    -       session_start
1    BTC-EUR snapshot 99x1 98x1 |
2    BTC-EUR delta |
3    BTC-EUR delta | 101x2
4    BTC-EUR delta 99x0 98x0 |
5    BTC-EUR snapshot |
6    BTC-EUR delta | 105x1
7    BTC-EUR snapshot 90x1 | 110x1
9    -       session_end stopped
"""

# R4: which rows of a channel, of a symbol or of a connection end no book.
NOTHING_ENDS: Final = """
session bitvavo a
0    -       session_start
1    BTC-EUR snapshot 99x1 | 101x1
2    BTC-EUR gap {"channel":"trades","last":"t1","first":"t9"}
2.1  BTC-EUR malformed {"channel":"trades","reason":"no price"}
2.2  -       malformed {"reason":"no JSON"}
2.3  BTC-EUR audit {"cause":"interval","compared":2,"differ":0,"ticker":[0,0]}
2.4  BTC-EUR status {"status":"halted","before":"trading","raw":"halted"}
2.5  BTC-EUR instrument halted changed
2.6  BTC-EUR subscription_refused {"channel":"ticker"}
2.7  -       rate_limited {"wait_s":1}
2.8  -       clock_step {"step_s":0.5}
3.3  ETH-EUR gap {"channel":"book"}
3.4  BTC-EUR crossed {"bid":99,"ask":98}
3.5  -       connected {"connection":1}
3.6  BTC-EUR ticker 99x1 | 101x1 last=100
4    BTC-EUR delta 99x2 |
5    -       session_end stopped
"""

# R4: each row that ends the book of its symbol.
EACH_END: Final = """
session bitvavo a
0    -       session_start
1    BTC-EUR snapshot 99x1 | 101x1
1.5  BTC-EUR malformed {"channel":"book","reason":"no price"}
2    BTC-EUR snapshot 99x2 | 101x1
2.5  BTC-EUR malformed {"reason":"no nonce"}
3    BTC-EUR snapshot 99x3 | 101x1
3.5  BTC-EUR resync {}
4    BTC-EUR snapshot 99x4 | 101x1
4.5  BTC-EUR mismatch {"differ":2}
5    BTC-EUR snapshot 99x5 | 101x1
5.5  BTC-EUR stale {"silent_s":20}
6    BTC-EUR snapshot 99x6 | 101x1
6.5  BTC-EUR gap expected=7 received=9 {"channel":"book"}
6.6  BTC-EUR stale {"silent_s":30}   # ends nothing more: the cause is the first row's
7    BTC-EUR snapshot 99x7 | 101x1
7.5  BTC-EUR gap expected=7 received=9
8    BTC-EUR snapshot 99x8 | 101x1
9    -       session_end stopped
"""

# R2: an audit's answer, and any snapshot, replaces a book at the same instant.
AUDIT: Final = """
session bitvavo a
0    -       session_start
1    BTC-EUR snapshot 99x1 98x1 97x1 | 101x1
2    BTC-EUR delta 99x2 |
3    BTC-EUR audit received=101 {"cause":"interval","compared":4,"differ":0,"ticker":[3,3]}
3    BTC-EUR snapshot 99x2 98x1 97x1 96x4 | 101x1 102x1 sequence=101
3    BTC-EUR delta 98x0 |
4    BTC-EUR audit received=102 {"cause":"ticker","compared":5,"differ":1,"ticker":[1,9]}
4    BTC-EUR mismatch {"differ":1,"side":"bid","price":99,"ours":2,"theirs":5}
4    BTC-EUR snapshot 99x5 97x1 96x4 | 101x1 102x1 sequence=102
5    BTC-EUR delta 99x6 |
6    -       session_end stopped
"""

# R2: a checkpoint continues its epoch; a delta of an earlier one does not count.
CHECKPOINT: Final = """
session bitvavo a
0    -       session_start
1    BTC-EUR snapshot 99x1 98x1 | 101x1
2    BTC-EUR delta 99x2 |
3    BTC-EUR checkpoint 99x2 98x1 | 101x1
4    BTC-EUR delta 98x3 |
5    BTC-EUR snapshot 90x1 | 110x1
6    BTC-EUR delta 90x7 | epoch=1
7    BTC-EUR delta 90x2 | epoch=5
9    -       session_end stopped
"""

# R2: lifecycle took the snapshot; nothing is known until the next checkpoint.
SNAPSHOT_GONE: Final = """
session bitvavo a
0    -       session_start
1    BTC-EUR snapshot 99x1 98x1 | 101x1
1    ETH-EUR snapshot 9x1 | 11x1
2    BTC-EUR delta 99x2 |
flush lost
3    BTC-EUR delta 97x5 |
4    BTC-EUR checkpoint 99x2 98x1 97x5 | 101x1
5    BTC-EUR delta 98x3 |
flush
6    ETH-EUR delta 9x2 |
7    BTC-EUR delta | 101x9
8    ETH-EUR delta 9x3 |
9    -       session_end stopped
"""

# R1: a segment that no manifest names is not there yet.
UNNAMED: Final = """
session bitvavo a
0    -       session_start
1    BTC-EUR snapshot 99x1 | 101x1
2    BTC-EUR delta 99x2 |
flush
3    BTC-EUR delta 99x3 |
4    ETH-EUR snapshot 9x1 | 11x1
5    BTC-EUR gap {"channel":"book"}
flush unnamed
"""

# Flushes without books, and one that ends in the middle of one read.
FLUSHES: Final = """
session bitvavo a
0    -       session_start
flush
0.5  -       connected {"connection":0}
flush
1    BTC-EUR snapshot 99x1 | 101x1
2    BTC-EUR delta 99x2 |
flush
2    BTC-EUR delta 99x3 |
flush
3    BTC-EUR trade t1 buy 101x0.5 event=2.9
flush
3.5  BTC-EUR ticker 99x3 | 101x1 last=101
3.5  BTC-EUR instrument trading start
flush
4    BTC-EUR delta 99x0 |
flush
5    -       session_end stopped
"""

TAPES_OF_SPANS: Final = {
    "held_deltas": HELD_DELTAS,
    "one_instant": ONE_INSTANT,
    "one_sided": ONE_SIDED,
    "nothing_ends": NOTHING_ENDS,
    "each_end": EACH_END,
    "audit": AUDIT,
    "checkpoint": CHECKPOINT,
    "snapshot_gone": SNAPSHOT_GONE,
    "unnamed": UNNAMED,
    "flushes": FLUSHES,
}
