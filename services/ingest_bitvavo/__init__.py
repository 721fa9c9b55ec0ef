"""Bitvavo, Amsterdam: about 440 markets, nearly all of them against the euro.

One socket carries every market; an event of a book comes about each 100 ms, with the changes of
that time put together. A subscription brings no snapshot: `getBook` does, over the same socket,
and both count by the same `nonce`, which rises by one an event. The engine's restart sets it
back while the socket stays open.

What makes this exchange particular, and where it says so:

- Subscribe, keep what comes, ask for the snapshot, splice by nonce:
  https://docs.bitvavo.com/docs/manage-order-book
- Book events, their nanoseconds and their absolute sizes, 0 removing a level:
  https://docs.bitvavo.com/docs/websocket-api/book-subscription
- 1,000 points a minute for each address, REST and WebSocket together; above it 15 minutes of
  silence: https://docs.bitvavo.com/docs/rate-limits
- Errors by number; one unknown market refuses a whole subscription, a halted one is accepted and
  silent: https://docs.bitvavo.com/docs/errors
"""
