"""BtcTurk, Istanbul: about 380 pairs, against the lira and the dollar's USDT.

Every message is a pair of a number, which says what it is, and an object. A subscription to
`obdiff` brings the whole book (431), then what changes in its first hundred levels a side (432),
each about 760 ms, without any time. Their `CS` continues within one subscription of one
connection and means nothing beside another.

What makes this exchange particular, and where it says so:

- The numbers and their fields: https://docs.btcturk.com/websocket-feed/models
- Channels; that 0 is updated, 1 added and 3 deleted:
  https://docs.btcturk.com/websocket-feed/channel-event-and-model
- 15 connections a minute, 180 order books a minute by REST, blocks as long as the period:
  https://docs.btcturk.com/rate-limits
- An acknowledgement proves nothing, it comes for pairs that do not exist: only data does.
- A REST book has no number that could place it in the stream.
"""
