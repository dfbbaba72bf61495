"""A run's rows as tables for people, and back: orders, fills, refusals, equity, round trips and prices.

Times are Taipei's, prices the quoted unit, words words; beside them stand the integers that the machine counts in
(`at_ns`, `price_ticks`), from which the messages come back exactly.
"""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
import polars as pl

from autofutures.backtest.statistics import RoundTrip, Ticks
from autofutures.domain.instrument import Instrument
from autofutures.domain.messages import ExitPlan, Intent, Placed, Refused, Traded
from autofutures.domain.order_life import Status
from autofutures.domain.units import OpenClose, OrderType, Side, TimeInForce, Word
from autofutures.portfolio.tally import EquityPoint

Instruments = Mapping[str, Instrument]
Row = dict[str, object]

ORDERS: dict[str, type[pl.DataType]] = {
    "strategy": pl.String, "symbol": pl.String, "side": pl.String, "type": pl.String, "tif": pl.String,
    "open_close": pl.String, "qty": pl.Int64, "price": pl.Float64, "stop_price": pl.Float64,
    "decision_price": pl.Float64, "exit": pl.String, "why": pl.Int64, "leg": pl.Int64, "day_trade": pl.Boolean,
    "status": pl.String, "client_id": pl.String, "cause_seq": pl.Int64, "k": pl.Int64, "at_ns": pl.Int64,
    "price_ticks": pl.Int64, "stop_ticks": pl.Int64, "decision_ticks": pl.Int64, "closes_seq": pl.Int64,
    "closes_k": pl.Int64, "until_ns": pl.Int64,
}  # fmt: skip
FILLS: dict[str, type[pl.DataType]] = {
    "strategy": pl.String, "symbol": pl.String, "side": pl.String, "qty": pl.Int64, "price": pl.Float64,
    "fee": pl.Int64, "tax": pl.Int64, "position": pl.Int64, "client_id": pl.String, "order_seq": pl.Int64,
    "order_k": pl.Int64, "n": pl.Int64, "fill_id": pl.String, "at_ns": pl.Int64, "price_ticks": pl.Int64,
}  # fmt: skip
REFUSALS: dict[str, type[pl.DataType]] = {
    "strategy": pl.String, "rule": pl.String, "limit": pl.Int64, "value": pl.Int64, "reason": pl.String,
    "cause_seq": pl.Int64, "k": pl.Int64, "at_ns": pl.Int64,
}  # fmt: skip
EQUITY: dict[str, type[pl.DataType]] = {"net": pl.Int64, "drawdown": pl.Int64, "at_ns": pl.Int64}
TRADES: dict[str, type[pl.DataType]] = {
    "strategy": pl.String, "symbol": pl.String, "side": pl.String, "qty": pl.Int64, "entry": pl.Float64,
    "exit": pl.Float64, "gross": pl.Int64, "costs": pl.Int64, "net": pl.Int64, "worst_open": pl.Int64,
    "best_open": pl.Int64, "entered_ns": pl.Int64, "left_ns": pl.Int64, "entry_ticks": pl.Int64,
    "exit_ticks": pl.Int64,
}  # fmt: skip
PRICES: dict[str, type[pl.DataType]] = {
    "symbol": pl.String, "price": pl.Float64, "at_ns": pl.Int64, "price_ticks": pl.Int64,
}  # fmt: skip


def orders_frame(
    orders: Sequence[Placed], decided: Mapping[str, int], instruments: Instruments
) -> pl.DataFrame:
    """The orders that passed the gate; `decision_price` is the last trade when each was decided.

    Args:
        orders: as the book placed them.
        decided: the last trade at each order's decision, ticks, by client id; one that is missing is not known.
        instruments: of every order.
    """
    return _frame(ORDERS, [_order_row(each, decided.get(each.client_id), instruments) for each in orders])


def _order_row(order: Placed, decision_ticks: int | None, instruments: Instruments) -> Row:
    intent, item = order.intent, instruments[order.intent.symbol]
    prices = intent.type not in (OrderType.MARKET, OrderType.MWP, OrderType.STOP)
    stops = intent.type in (OrderType.STOP, OrderType.STOP_LIMIT)
    return {
        **msgspec.structs.asdict(intent),
        **_words(side=intent.side, type=intent.type, tif=intent.tif, open_close=intent.open_close),
        "status": order.status.word,
        "client_id": order.client_id,
        "price": float(item.to_price(intent.price_ticks)) if prices else None,
        "stop_price": float(item.to_price(intent.stop_ticks)) if stops else None,
        "decision_price": None if decision_ticks is None else float(item.to_price(decision_ticks)),
        "decision_ticks": decision_ticks,
        "exit": None if intent.exit is None else msgspec.json.encode(intent.exit).decode(),
        "at_ns": intent.at,
        "until_ns": intent.until,
    }


def _words(**words: Word) -> Row:
    return {name: each.word for name, each in words.items()}


def fills_frame(fills: Sequence[Traded], instruments: Instruments) -> pl.DataFrame:
    """The fills as they were booked; fee and tax in minor units."""
    rows = [
        {
            **msgspec.structs.asdict(each),
            "side": each.side.word,
            "price": float(instruments[each.symbol].to_price(each.price_ticks)),
            "at_ns": each.at,
        }
        for each in fills
    ]
    return _frame(FILLS, rows)


def refusals_frame(refusals: Sequence[Refused]) -> pl.DataFrame:
    """What the gate refused, and why."""
    return _frame(REFUSALS, [{**msgspec.structs.asdict(each), "at_ns": each.at} for each in refusals])


def equity_frame(equity: Sequence[EquityPoint]) -> pl.DataFrame:
    """Net profit after costs and the distance below its peak, minor units."""
    columns = np.array([(each.net, each.drawdown, each.at) for each in equity], dtype=np.int64).reshape(-1, 3)
    return _with_times(pl.DataFrame(columns, schema=EQUITY, orient="row"))


def trades_frame(trips: Sequence[RoundTrip], instruments: Instruments) -> pl.DataFrame:
    """The round trips; `worst_open` and `best_open` are MAE and MFE in minor units."""
    rows = [
        {
            **msgspec.structs.asdict(each),
            "side": "long" if each.side > 0 else "short",
            "entry": float(instruments[each.symbol].to_price(each.entry_ticks)),
            "exit": float(instruments[each.symbol].to_price(each.exit_ticks)),
            "net": each.net,
            "worst_open": each.mae,
            "best_open": each.mfe,
            "entered_ns": each.entered_at,
            "left_ns": each.left_at,
        }
        for each in trips
    ]
    return _frame(TRADES, rows)


def prices_frame(ticks: Mapping[str, Ticks], instruments: Instruments) -> pl.DataFrame:
    """Trades of the market, one symbol after the other."""
    frames = []
    for symbol, tape in ticks.items():
        worth = {
            int(each): float(instruments[symbol].to_price(int(each))) for each in np.unique(tape.price_ticks)
        }
        columns = {
            "symbol": [symbol] * len(tape.at),
            "price": [worth[each] for each in tape.price_ticks.tolist()],
            "at_ns": tape.at,
            "price_ticks": tape.price_ticks,
        }
        frames.append(pl.DataFrame(columns, schema=PRICES))
    return _with_times(pl.concat(frames) if frames else pl.DataFrame(schema=PRICES))


def _frame(schema: Mapping[str, type[pl.DataType]], rows: Sequence[Row]) -> pl.DataFrame:
    columns = {name: [row[name] for row in rows] for name in schema}
    return _with_times(pl.DataFrame(columns, schema=dict(schema)))


def _with_times(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with each column `..._ns` as Taipei's time before all others; 0 is no time."""
    names = [name for name in frame.columns if name.endswith("_ns") and name != "until_ns"]
    times = [
        pl.from_epoch(pl.col(name), time_unit="ns")
        .dt.replace_time_zone("UTC")
        .dt.convert_time_zone("Asia/Taipei")
        .alias(name.removesuffix("_ns"))
        for name in names
    ]
    return frame.select(*times, pl.all())


def orders_of(frame: pl.DataFrame) -> tuple[list[Placed], dict[str, int]]:
    """The orders of a frame, and the last trade at each one's decision by client id; see `orders_frame`."""
    orders: list[Placed] = []
    decided: dict[str, int] = {}
    for row in frame.rows(named=True):
        plan = row["exit"]
        intent = Intent(
            strategy=row["strategy"],
            cause_seq=row["cause_seq"],
            k=row["k"],
            at=row["at_ns"],
            symbol=row["symbol"],
            side=Side[row["side"].upper()],
            qty=row["qty"],
            type=OrderType[row["type"].upper()],
            price_ticks=row["price_ticks"],
            stop_ticks=row["stop_ticks"],
            tif=TimeInForce[row["tif"].upper()],
            open_close=OpenClose[row["open_close"].upper()],
            day_trade=row["day_trade"],
            exit=None if plan is None else msgspec.json.decode(plan, type=ExitPlan),
            leg=row["leg"],
            why=row["why"],
            closes_seq=row["closes_seq"],
            closes_k=row["closes_k"],
            until=row["until_ns"],
        )
        orders.append(Placed(row["client_id"], Status[row["status"].upper()], intent))
        if row["decision_ticks"] is not None:
            decided[row["client_id"]] = row["decision_ticks"]
    return orders, decided


def fills_of(frame: pl.DataFrame) -> list[Traded]:
    """The fills of a frame."""
    return [
        Traded(
            **{name: row[name] for name in Traded.__struct_fields__ if name not in ("side", "at")},
            side=Side[row["side"].upper()],
            at=row["at_ns"],
        )
        for row in frame.rows(named=True)
    ]


def refusals_of(frame: pl.DataFrame) -> list[Refused]:
    """The refusals of a frame."""
    names = [name for name in Refused.__struct_fields__ if name != "at"]
    return [Refused(**{name: row[name] for name in names}, at=row["at_ns"]) for row in frame.rows(named=True)]


def equity_of(frame: pl.DataFrame) -> list[EquityPoint]:
    """The equity of a frame."""
    return [
        EquityPoint(at, net, drawdown)
        for at, net, drawdown in frame.select("at_ns", "net", "drawdown").rows()
    ]


def trades_of(frame: pl.DataFrame) -> list[RoundTrip]:
    """The round trips of a frame."""
    same = ("strategy", "symbol", "qty", "entry_ticks", "exit_ticks", "gross", "costs")
    return [
        RoundTrip(
            **{name: row[name] for name in same},
            side=Side.BUY if row["side"] == "long" else Side.SELL,
            entered_at=row["entered_ns"],
            left_at=row["left_ns"],
            mae=row["worst_open"],
            mfe=row["best_open"],
        )
        for row in frame.rows(named=True)
    ]


def prices_of(frame: pl.DataFrame) -> dict[str, Ticks]:
    """The prices of a frame, by symbol in the order in which they stand."""
    return {
        str(symbol): Ticks(part["at_ns"].to_numpy(), part["price_ticks"].to_numpy())
        for (symbol,), part in frame.partition_by("symbol", as_dict=True, maintain_order=True).items()
    }
