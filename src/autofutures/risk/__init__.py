"""Permit: the pre-trade controls, one file and one id each, and the gate that asks all of them."""

RULES = {
    "duplicate": "autofutures.risk.duplicate:Duplicate",
    "deadline": "autofutures.risk.deadline:Deadline",
    "daily_loss": "autofutures.risk.daily_loss:DailyLoss",
    "drawdown": "autofutures.risk.drawdown:Drawdown",
    "loss_streak": "autofutures.risk.loss_streak:LossStreak",
    "repeated_execution": "autofutures.risk.repeated_execution:RepeatedExecution",
    "mode": "autofutures.risk.mode:BookAllows",
    "unknown": "autofutures.risk.unknown:Unknown",
    "book_stop": "autofutures.risk.book_stop:BookStopped",
    "exit_plan": "autofutures.risk.exit_plan:HasExitPlan",
    "restricted": "autofutures.risk.restricted:Restricted",
    "session": "autofutures.risk.session:Session",
    "expiry_guard": "autofutures.risk.expiry_guard:ExpiryGuard",
    "stale_tick": "autofutures.risk.stale_tick:StaleTick",
    "order_size": "autofutures.risk.order_size:OrderSize",
    "order_value": "autofutures.risk.order_value:OrderValue",
    "position": "autofutures.risk.position:Position",
    "account_value": "autofutures.risk.account_value:AccountValue",
    "margin": "autofutures.risk.margin:Margin",
    "self_match": "autofutures.risk.self_match:SelfMatch",
    "collar": "autofutures.risk.collar:Collar",
    "price_limit": "autofutures.risk.price_limit:PriceLimit",
    "message_rate": "autofutures.risk.message_rate:MessageRate",
    "daily_messages": "autofutures.risk.daily_messages:DailyMessages",
}
"""Every rule by id, in the order in which the gate asks; the first violation is the verdict."""
