"""Bitvavo, Amsterdam: about 440 markets, nearly all of them against the euro.

One socket carries every market; about each 100 ms an event of a book brings all changes of that
time. A subscription brings no snapshot: `getBook` does, over the same socket, and both count by
the same `nonce`, which rises by one with each event. A restart of the engine resets it while the
socket stays open.

The exchange's peculiarities, with their sources:

- Subscribe, keep what comes, ask for the snapshot, splice by nonce:
  https://docs.bitvavo.com/docs/manage-order-book
- Book events, their nanoseconds and their absolute sizes, of which 0 removes a level:
  https://docs.bitvavo.com/docs/websocket-api/book-subscription
- 1,000 points a minute for each address, REST and WebSocket together; an address that spends more
  is banned for 15 minutes: https://docs.bitvavo.com/docs/rate-limits
- Errors by number; one unknown market makes it refuse a whole subscription; it accepts a halted
  market, which stays silent: https://docs.bitvavo.com/docs/errors
"""
