"""Says in words what a text file looks like that no importer reads, so that its owner knows what to do."""

import re

from autofutures.data.source import Member

_OPTIONS = ("履約價", "買賣權", "strike", "call/put")
_SHARES = (
    "證券代號",
    "證券名稱",
    "股票代號",
    "股票代碼",
    "股票名稱",
    "成交股數",
    "成交張數",
    "有價證券",
    "受益",
    "etf",
    "stock_id",
    "ticker",
)
_CODES = ("代號", "代碼", "code", "symbol")
_OHLC = (("開盤", "open"), ("最高", "high"), ("最低", "low"), ("收盤", "close"))
_REPORT = ("結算價", "未沖銷", "未平倉", "settlement", "open interest", "open_interest", "法人", "排名")
_FUNDING = re.compile(r"\d{8} \d{2}:\d{2}:\d{2},-?\d*\.\d+")
_PAGE = ("<!doctype", "<html", "<head", "<?xml", "<script", "<body")


def what_it_looks_like(member: Member) -> str:
    """A phrase that completes "it looks like ...", with what to do where there is something."""
    lines = member.head()
    start = "\n".join(lines).lower()
    if start.startswith("<") or any(tag in start for tag in _PAGE):
        return "a web page: the exchange answers with one when it has no file for the day; download it again"
    if start.startswith(("{", "[")):
        return "JSON, but not 1-minute bars: those have `meta` (product, contract) and `bars`"
    if lines and all(_FUNDING.fullmatch(line) for line in lines):
        return "funding rates of a perpetual (time and rate), not a market: no funding is paid here, so none is kept"
    words = _words(lines)
    if words.split(",") == ["date", "equity"]:
        return "an account's equity day by day, not a market"
    if any(word in words for word in _OPTIONS):
        return "options (it has strike prices or calls and puts): only futures can be imported"
    if any(word in words for word in _SHARES) or _has_share_codes(lines):
        return "shares or ETFs of the stock exchange: only futures can be imported"
    if _is_ohlc(words):
        return f"{_report(words)}, not trades; 1-minute bars in CSV can be imported with --map"
    if any(word in words for word in _REPORT):
        return "a report of the exchange, not trades"
    if lines and ("," in lines[0] or "\t" in lines[0]):
        columns = repr(lines[0][:120])
        return f"a table with the columns {columns}: if these are trades or bars, name the columns with --map"
    return "text that is no table of trades"


def _words(lines: list[str]) -> str:
    return lines[0].lower().replace(" ", "") if lines else ""


def _is_ohlc(words: str) -> bool:
    return all(any(name in words for name in names) for names in _OHLC)


def _report(words: str) -> str:
    if any(word in words for word in _REPORT):
        return "the exchange's daily report (open, high, low, close, settlement)"
    return "a table of bars (open, high, low, close)"


def _has_share_codes(lines: list[str]) -> bool:
    """Whether a column of codes holds one of four to six digits: a share's, which no future's code is."""
    if len(lines) < 2:
        return False
    pairs = zip(lines[0].lower().split(","), lines[1].split(","), strict=False)
    codes = (code.strip() for name, code in pairs if any(word in name for word in _CODES))
    return any(code.isdigit() and 4 <= len(code) <= 6 for code in codes)
