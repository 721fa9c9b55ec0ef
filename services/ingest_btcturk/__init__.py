"""BtcTurk, Istanbul: about 380 pairs, against the lira and the dollar's USDT.

Every message is a number, its kind, and an object. A subscription to `obdiff` brings the whole
book (431), then, about each 760 ms, the changes in its first hundred levels a side (432), without
any time. Their `CS` counts within one subscription of one connection; it cannot be compared with
that of another.

The exchange's peculiarities, with their sources:

- The numbers and their fields: https://docs.btcturk.com/websocket-feed/models
- Channels; that 0 is updated, 1 added and 3 deleted:
  https://docs.btcturk.com/websocket-feed/channel-event-and-model
- 15 connections a minute, 180 order books a minute over REST; a block lasts as long as the period:
  https://docs.btcturk.com/rate-limits
- An acknowledgement proves nothing, because unknown pairs get one, too: only data proves a
  subscription.
- A REST book has no number to place it in the stream.
"""
