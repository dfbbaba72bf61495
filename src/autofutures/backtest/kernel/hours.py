"""When each leg trades, and between which prices. As `market/sessions`, `market/view` and `market/limits`."""

from autofutures.backtest.kernel.memory import band_row, session_row


def next_session(S, X, leg, at):
    """The row of the session under way, or the next to open; -1 after the last one."""
    L = S.legs[leg]
    row = max(L.session, L.session_first)
    while row < L.session_end and session_row(X.sessions, row).ends_at <= at:
        row += 1
    return row if row < L.session_end else -1


def session_at(S, X, leg, at):
    """The row of the session that a trade belongs to; -1 while the market is closed."""
    L = S.legs[leg]
    if L.session >= 0:
        known = session_row(X.sessions, L.session)
        if known.opens_at <= at < known.ends_at:
            return L.session
    row = next_session(S, X, leg, at)
    if row < 0 or session_row(X.sessions, row).opens_at > at:
        return -1
    L.session = row
    return row


def accepts_orders(S, X, leg, now):
    """Whether the exchange takes orders."""
    if session_at(S, X, leg, now) >= 0:
        return True
    row = next_session(S, X, leg, now)
    return row >= 0 and session_row(X.sessions, row).accepts_from <= now


def limit_prices(S, X, at):
    """Brings each leg's price limits to what holds at a time."""
    for leg in range(S.legs_n):
        L = S.legs[leg]
        while L.band + 1 < L.band_end and band_row(X.bands, L.band + 1).since <= at:
            L.band += 1
            row = band_row(X.bands, L.band)
            L.low = row.low
            L.high = row.high
