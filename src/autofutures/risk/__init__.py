"""Permit: the pre-trade controls, one file and one id each, and the gate that asks all of them."""

RULES = {
    "duplicate": "autofutures.risk.duplicate:Duplicate",
    "deadline": "autofutures.risk.deadline:Deadline",
    "mode": "autofutures.risk.mode:BookAllows",
    "unknown": "autofutures.risk.unknown:Unknown",
    "book_stop": "autofutures.risk.book_stop:BookStopped",
    "exit_plan": "autofutures.risk.exit_plan:HasExitPlan",
    "session": "autofutures.risk.session:Session",
    "stale_tick": "autofutures.risk.stale_tick:StaleTick",
    "order_size": "autofutures.risk.order_size:OrderSize",
    "position": "autofutures.risk.position:Position",
    "collar": "autofutures.risk.collar:Collar",
    "price_limit": "autofutures.risk.price_limit:PriceLimit",
    "message_rate": "autofutures.risk.message_rate:MessageRate",
}
"""Every rule by id, in the order in which the gate asks; the first violation is the verdict."""
