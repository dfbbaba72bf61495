"""Decide: one strategy a file. A strategy asks its `ctx`, the host says its intents, fills come back."""

STRATEGIES = {
    "ema_cross": "autofutures.strategies.ema_cross:EmaCross",
    "filler": "autofutures.strategies.filler:Filler",
    "market_maker": "autofutures.strategies.market_maker:MarketMaker",
    "pinger": "autofutures.strategies.pinger:Pinger",
    "support_resistance": "autofutures.strategies.support_resistance:SupportResistance",
}
"""The strategies that come with the machine. A user's own is `path/to/file.py:Class`."""
