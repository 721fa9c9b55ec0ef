"""Holds the objects that the feeds of one ingest, its peers, share on the recorder's thread."""

from shared.exchange import Exchange
from shared.feed.audit_budget import OURS, AuditBudgets
from shared.feed.quotes import Quotes


class Peers:
    """The budgets of audits, and the routes of tickers to their books."""

    def __init__(self, exchange: Exchange, limit_share: float = OURS) -> None:
        """Start with whole budgets and no feed; `limit_share` is our share of the limits."""
        self.budgets = AuditBudgets(exchange, limit_share)
        self.quotes = Quotes()
