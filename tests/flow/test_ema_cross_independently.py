"""A backtest of the recorded day against thirty lines that share nothing with it but the exchange's file."""

import hashlib
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

FAST, SLOW, FEE, SLIPPAGE, POINT = 20, 60, 20, 1, 200
TRADED = ("TX", "202108")
ORDER = "{},ema_cross,{},1,TAIFEX:TXF202108,{},{},market,0,ioc,auto\n"
FILL = "{},ema_cross,{},1,{},TAIFEX:TXF202108,{},{},{},{},{}\n"

Figures = dict[str, int | str]


def trades(file: Path) -> Iterator[tuple[int, int, int]]:
    """UTC nanoseconds, price and contracts of each trade, as the exchange lists them."""
    with zipfile.ZipFile(file) as archive, archive.open(archive.namelist()[0]) as member:
        for line in list(io.TextIOWrapper(member, "big5"))[1:]:
            day, product, expiry, second, price, both_sides, *_ = (cell.strip() for cell in line.split(","))
            if (product, expiry) == TRADED:
                moment = datetime.strptime(day + second + "+0800", "%Y%m%d%H%M%S%z")
                yield round(moment.timestamp()) * 10**9, int(price), int(both_sides) // 2


def trade_by_hand(file: Path) -> Figures:
    fast = slow = 0.0
    sign = crosses = position = cash = fees = tax = last = 0
    working: list[list[int]] = []  # each [event, side, contracts left, fills so far]
    orders, fills = [], []
    for event, (at, price, contracts) in enumerate(trades(file), start=1):
        printed = contracts
        for order in working:
            if qty := min(order[2], printed):
                side, paid = order[1], price + order[1] * SLIPPAGE
                printed, order[2], order[3] = printed - qty, order[2] - qty, order[3] + 1
                fee, duty = FEE * qty, (paid * POINT * qty * 2 + 50_000) // 100_000  # 0.00002, half up
                position, cash = position + side * qty, cash - side * qty * paid * POINT
                fees, tax = fees + fee, tax + duty
                word = "buy" if side > 0 else "sell"
                fills.append(FILL.format(at, order[0], order[3], word, qty, paid, fee, duty))
        working = [order for order in working if order[2]]
        last = price
        fast += (price - fast) * 2 / (FAST + 1) if event > 1 else price
        slow += (price - slow) * 2 / (SLOW + 1) if event > 1 else price
        now = (fast > slow) - (fast < slow)
        if now and now != sign:
            sign, crosses = now, crosses + 1
            if missing := now - position - sum(order[1] * order[2] for order in working):
                side = 1 if missing > 0 else -1
                working.append([event, side, abs(missing), 0])
                orders.append(ORDER.format(at, event, "buy" if side > 0 else "sell", abs(missing)))
    gross = cash + position * last * POINT
    return {
        "crosses": crosses,
        "orders": len(orders),
        "fills": len(fills),
        "fees": fees,
        "tax": tax,
        "gross_pnl": gross,
        "net_pnl": gross - fees - tax,
        "order_hash": hashlib.sha256("".join(orders).encode()).hexdigest(),
        "fill_hash": hashlib.sha256("".join(fills).encode()).hexdigest(),
    }


def autofutures(*arguments: str) -> dict[str, object]:
    command = [sys.executable, "-m", "autofutures.cli", *arguments, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def test_thirty_lines_of_another_hand_make_the_same_orders_fills_and_money(
    shared_data: Path, tmp_path: Path
) -> None:
    file = shared_data / "taifex" / "Daily_2021_07_26.zip"
    expected = trade_by_hand(file)
    autofutures("data", "import", str(file), "--catalog", str(tmp_path))
    options = ("--symbol", "TXF202108", "--date", "2021-07-26", "--set", "fast=20", "--set", "slow=60")

    found = autofutures("backtest", "ema_cross", *options, "--catalog", str(tmp_path))

    assert expected.pop("crosses") == expected["orders"] == 1_949
    assert {name: found[name] for name in expected} == expected


def orders_of(prices: list[int], place: Path) -> str:
    """The order hash of a small market of one trade a second."""
    place.mkdir()
    opens = datetime(2021, 7, 26, 8, 45, tzinfo=timezone(timedelta(hours=8)))
    rows = [f"{(opens + timedelta(seconds=n)).isoformat()},{price},3" for n, price in enumerate(prices)]
    (place / "trades.csv").write_text("\n".join(["time,price,qty", *rows]) + "\n")
    columns = ("--map", "at=time,price=price,qty=qty", "--symbol", "TXF202108")
    autofutures("data", "import", str(place / "trades.csv"), *columns, "--catalog", str(place))
    averages = ("--set", "fast=2", "--set", "slow=5")
    options = ("--symbol", "TXF202108", "--date", "2021-07-26", *averages, "--catalog", str(place))
    return str(autofutures("backtest", "ema_cross", *options)["order_hash"])


def test_a_tick_changes_the_orders_when_it_decides_one(tmp_path: Path) -> None:
    prices = [17_400, 17_402, 17_405, 17_407, 17_410, 17_412, 17_413, 17_380, 17_375]

    usual = orders_of(prices, tmp_path / "usual")

    assert orders_of([*prices[:4], 17_411, *prices[5:]], tmp_path / "no cross moved") == usual
    assert orders_of([*prices[:4], 17_390, *prices[5:]], tmp_path / "a cross moved") != usual
