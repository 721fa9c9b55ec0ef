"""Small tapes of trades: doubled, late, missing, listed again."""

from typing import Final

# R11: a trade that several sessions have counts once; its time is the exchange's.
TRADES: Final = """
session bitvavo a
0     -       session_start
1     BTC-EUR snapshot 99x1 | 101x1
10    BTC-EUR trade t1 buy 101x0.5 event=9.9
20    BTC-EUR trade t2 sell 99x0.25 event=19.9
20    BTC-EUR trade t3 - 100x1 event=19.8
59.9  BTC-EUR trade t4 buy 102x2 event=59.95
60.1  BTC-EUR trade t5 buy 103x1 event=59.8
65    BTC-EUR trade t6 sell 98x1
130   BTC-EUR trade t8 buy 104x1 event=129.9
200   -       session_end stopped
session bitvavo b
0.5   -       session_start
10    BTC-EUR trade t1 buy 101x0.5 event=9.9
19.95 BTC-EUR trade t2 sell 99x0.25 event=19.9
64    ETH-EUR trade t6 buy 9x1
150   -       session_end stopped
"""

# R14: a list that reaches back over the time between two sessions, and one that does not.
LISTS: Final = """
session btcturk a
0     -       session_start
0.1   BTC-TRY trade t1 buy 100x1 event=-30
0.1   BTC-TRY trade t2 buy 101x1 event=-20
95.1  BTC-TRY trade t3 buy 102x1 event=95
100   -       session_end stopped
session btcturk a
170   -       session_start
170.1 BTC-TRY trade t3 buy 102x1 event=95
170.1 BTC-TRY trade t4 sell 103x1 event=110
170.1 BTC-TRY trade t5 sell 104x1 event=165
171   BTC-TRY trade t6 sell 105x1 event=170.9
250   -       session_end stopped
session btcturk a
310   -       session_start
310.1 BTC-TRY trade t8 sell 107x1 event=260
310.1 ETH-TRY trade e8 sell 7x1 event=240
400   -       session_end stopped
"""

# R14: what lies between the last trade and the first behind a gap may lack some.
TRADE_GAP: Final = """
session bitvavo a
0     -       session_start
0.5   BTC-EUR trade t1 buy 100x1 event=0.4
70    BTC-EUR trade t2 buy 101x1 event=70
100   -       disconnected {"connection":0,"symbols":[]}
110   -       connected {"connection":0}
130   BTC-EUR gap {"channel":"trades","last":"t2","first":"t5","reason":"it ends before"}
130   BTC-EUR trade t5 buy 102x1 event=125
130   BTC-EUR trade t6 buy 103x1 event=126
250   BTC-EUR gap {"channel":"trades","last":"t6","first":null,"reason":"no answer"}
310   BTC-EUR trade t9 buy 104x1 event=305
500   -       session_end stopped
"""

# R14: a gap behind which no trade has come yet.
TRADE_GAP_OPEN: Final = """
session bitvavo a
0     -       session_start
1     BTC-EUR trade t1 buy 100x1 event=0.9
70    BTC-EUR trade t2 buy 100x1 event=69
130   BTC-EUR gap {"channel":"trades","last":"t2","first":null,"reason":"no answer"}
300   -       session_end stopped
"""

# R14: a session that ends behind its gap has no next trade; the one that took over has.
TRADE_GAP_HANDOVER: Final = """
session bitvavo b
0     -       session_start
10    BTC-EUR trade t1 buy 100x1 event=9.9
130   BTC-EUR gap {"channel":"trades","last":"t1","first":null,"reason":"no answer"}
131   -       session_end stopped
session bitvavo a
120   -       session_start
190   BTC-EUR trade t2 buy 101x1 event=189.9
360   -       session_end stopped
"""

# R14: after a clock went back a session lived until H, which counts from the step on: no clock of
# the exchange has shown the times up to 250. Who was killed at 181 did not see the next minutes.
CLOCK_BACK_LIVES: Final = """
session bitvavo a
0     -       session_start
10    BTC-EUR trade t1 buy 100x1 event=9.9
250   BTC-EUR trade t2 buy 101x1 event=170
171   -       clock_step {"step_s":-80.0}
181   BTC-EUR trade t3 buy 102x1 event=180.9
600   -       session_end killed
session bitvavo a
300   -       session_start
310   BTC-EUR trade t4 buy 103x1 event=309.9
360   -       session_end stopped
"""

# R14: it lived from its lowest time on, here that of the step: it had begun before, by that clock.
CLOCK_BACK_BEFORE: Final = """
session bitvavo a
100   -       session_start
110   BTC-EUR snapshot 99x1 | 101x1
20    -       clock_step {"step_s":-95.0}
130   BTC-EUR trade t1 buy 100x1 event=129.9
190   -       session_end stopped
"""

# R14: which trade came before a gap and which behind it is a matter of numbers, not of times.
CLOCK_BACK_GAP: Final = """
session bitvavo a
0     -       session_start
10    BTC-EUR trade t1 buy 100x1 event=9.9
200   BTC-EUR trade t2 buy 101x1 event=130
131   -       clock_step {"step_s":-70.0}
135   BTC-EUR gap {"channel":"trades","last":"t2","first":null,"reason":"no answer"}
185   BTC-EUR trade t3 buy 102x1 event=184.9
300   -       session_end stopped
"""

# R11: a trade that comes more than 25 hours late belongs to no answer; one of exactly 25 does.
LATE_TRADES: Final = """
session bitvavo a
0     -       session_start
10    BTC-EUR trade t1 buy 100x1 event=-89990.000001
20    BTC-EUR trade t2 buy 101x1 event=-89980
30    BTC-EUR trade t3 buy 102x1 event=31
40    BTC-EUR trade t4 buy 103x1 event=36
120   -       session_end stopped
"""

# R13: the book just before a trade; R10: a symbol that has trades alone, or tickers.
QUOTES: Final = """
session bitvavo a
0     -       session_start
1     ETH-EUR trade e1 buy 9x1 event=0.9
1     XRP-EUR ticker 2x1 | 3x1
2     BTC-EUR trade t1 buy 101x1 event=1.9
3     BTC-EUR snapshot 99x1 | 101x2
3     BTC-EUR trade t2 buy 101x1 event=2.9
3.000001 BTC-EUR trade t3 buy 101x1 event=2.9
4     BTC-EUR delta 99x4 | 101x4
4     BTC-EUR trade t4 buy 101x1
5     BTC-EUR delta | 101x0
6     BTC-EUR trade t5 buy 101x1 event=5.9
7     BTC-EUR trade t6 buy 101x1 event=2
7     BTC-EUR trade t7 buy 101x1 event=1.999999
8     BTC-EUR gap {"channel":"book"}
8.000001 BTC-EUR trade t8 buy 101x1 event=7.9
9     -       session_end stopped
"""

TAPES_OF_TRADES: Final = {
    "trades": TRADES,
    "lists": LISTS,
    "trade_gap": TRADE_GAP,
    "trade_gap_open": TRADE_GAP_OPEN,
    "trade_gap_handover": TRADE_GAP_HANDOVER,
    "clock_back_lives": CLOCK_BACK_LIVES,
    "clock_back_before": CLOCK_BACK_BEFORE,
    "clock_back_gap": CLOCK_BACK_GAP,
    "late_trades": LATE_TRADES,
    "quotes": QUOTES,
}
