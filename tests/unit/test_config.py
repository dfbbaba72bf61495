import re
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autofutures import config
from autofutures.config import (
    BOOK_STOP,
    RunSettings,
    SettingsFile,
    StrategySettings,
    Value,
    book_stop_of,
    currency_of,
)
from autofutures.domain.errors import BadInput
from autofutures.domain.instrument import instrument, products
from autofutures.orders.policy import Policy

TOML = """
[[strategy]]
use = "support_resistance"
name = "levels"
symbols = ["MXF202108"]

[[strategy.condition]]
name = "s1"
side = "buy"
trigger = 17300

[[strategy.condition]]
side = "sell"
trigger = 17500

[[strategy]]
use = "ema_cross"
set = { fast = 20, slow = 60 }
book_stop = 5000

[risk.order_size]
max_contracts = 3

[calendar]
closed = ["2026-11-02"]
open = ["2026-11-07"]
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "autofutures.toml"
    path.write_text(text, "utf-8")
    return path


PLACES = [
    (config.default_catalog, "XDG_DATA_HOME", ".local/share/autofutures/catalog", "autofutures/catalog"),
    (config.default_runs, "XDG_STATE_HOME", ".local/state/autofutures/runs", "autofutures/runs"),
    (config.default_keys, "XDG_CONFIG_HOME", ".config/autofutures/keys", "autofutures/keys"),
]


@pytest.mark.parametrize(("place", "variable", "at_home", "there"), PLACES)
def test_places_follow_the_environment(
    place: Callable[[], Path],
    variable: str,
    at_home: str,
    there: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(variable, str(tmp_path))
    assert place() == tmp_path / there
    for ignored in ("", "relative/place"):
        monkeypatch.setenv(variable, ignored)
        assert place() == Path.home() / at_home
    monkeypatch.delenv(variable)
    assert place() == Path.home() / at_home


def test_a_child_has_our_environment_and_what_is_added(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOFUTURES_TEST", "ours")
    given_to_child = config.environment_of_children({"ADDED": "1"})
    assert (given_to_child["AUTOFUTURES_TEST"], given_to_child["ADDED"]) == ("ours", "1")


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("0", 0),
        (" 0 ", 0),
        ("7ns", 7),
        ("250us", 250_000),
        ("5ms", 5_000_000),
        ("2s", 2_000_000_000),
        ("0.5 ms", 500_000),
        ("1.5s", 1_500_000_000),
    ],
)
def test_a_delay_is_a_number_with_its_unit(text: str, ns: int) -> None:
    assert config.parse_latency(text) == ns


@pytest.mark.parametrize("text", ["", "5", "5 minutes", "-1ms", "ms", "nanms", "infs", "1e999s", "five ms"])
def test_what_is_no_delay_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match=re.escape(f"{text!r} is not a delay: write 0, 250us, 5ms or 2s")):
        config.parse_latency(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("20", 20),
        ("-3", -3),
        ("2.5", 2.5),
        ("true", True),
        ("False", False),
        ("buy", "buy"),
        ("nan", "nan"),
        ("inf", "inf"),
        ("", ""),
    ],
)
def test_a_setting_is_a_number_a_flag_or_text(text: str, value: Value) -> None:
    parsed = config.parse_value(text)
    assert (parsed, type(parsed)) == (value, type(value))


@given(st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans())
def test_a_setting_that_is_written_out_is_read_back(value: Value) -> None:
    parsed = config.parse_value(str(value))
    assert (parsed, type(parsed)) == (value, type(value))


def test_settings_are_a_table_and_the_last_one_counts() -> None:
    pairs = ["fast=20", " slow = 60 ", "fast=30", "note=a=b", "empty="]
    assert config.parse_settings(pairs) == {"fast": 30, "slow": 60, "note": "a=b", "empty": ""}


@pytest.mark.parametrize("pair", ["fast", "=20", " =20", ""])
def test_a_setting_without_a_name_or_a_value_is_refused(pair: str) -> None:
    with pytest.raises(BadInput, match=re.escape(f"--set {pair!r}: write NAME=VALUE, as in --set fast=20")):
        config.parse_settings([pair])


def test_a_replay_names_a_contract_and_a_day() -> None:
    assert config.parse_replay("TXF202108@2021-07-26") == ("TAIFEX:TXF202108", 20210726, 0)


def test_a_replay_of_several_days_names_the_first_and_the_last_and_may_be_of_a_series() -> None:
    assert config.parse_replay("TXF.front@2026-05-12..2026-06-05") == (
        "TAIFEX:TXF.front",
        20260512,
        20260605,
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("TXF202108", "'TXF202108': write SYMBOL@DATE, as in TXF202108@2021-07-26"),
        ("TXF202108@26 July", "'26 July' is not a date: write YYYY-MM-DD"),
        ("TXF202108@2021-02-30", "20210230 is not a date"),
        ("TXF202108@2021-07-26..", "'' is not a date: write YYYY-MM-DD"),
        ("no symbol@2021-07-26", "is not a symbol"),
    ],
)
def test_what_is_no_replay_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(BadInput, match=re.escape(sentence)):
        config.parse_replay(text)


def test_limits_are_one_table_for_each_rule() -> None:
    table = {"order_size": {"max_contracts": 3}}
    assert config.parse_limits(table, "risk.toml") == table


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ({"order_size": 3}, "risk.toml: risk limits are one table for each rule id, of whole numbers: "),
        ({"order_size": {"max_contracts": "3"}}, "Expected `int | object`, got `str` - at `$[...][...]`"),
        ({"order_sise": {"max_contracts": 3}}, "there is no risk rule order_sise: the rules are duplicate"),
        ({"order_size": {"max": 3}}, "risk rule order_size has no setting 'max'; it has max_contracts"),
        ({"order_size": {"max_contracts": 0}}, "must be a whole number above zero, not 0"),
    ],
)
def test_limits_that_no_rule_has_are_refused(table: dict[str, object], sentence: str) -> None:
    with pytest.raises(BadInput, match=re.escape(sentence)):
        config.parse_limits(table, "risk.toml")


def test_the_settings_file_names_strategies_their_conditions_risk_and_days(tmp_path: Path) -> None:
    settings = config.load_settings(written(tmp_path, TOML))
    levels, cross = settings.strategies(("TAIFEX:TXF202108",))
    assert (levels.name, levels.use, levels.symbols) == (
        "levels",
        "support_resistance",
        ("TAIFEX:MXF202108",),
    )
    assert levels.conditions == {
        "s1": {"name": "s1", "side": "buy", "trigger": 17300},
        "c2": {"side": "sell", "trigger": 17500},
    }
    assert (cross.name, cross.use, cross.symbols) == ("ema_cross", "ema_cross", ("TAIFEX:TXF202108",))
    assert cross.settings == {"fast": 20, "slow": 60}
    assert (levels.book_stop, cross.book_stop) == (config.BOOK_STOP, 5_000)
    assert settings.risk == {"order_size": {"max_contracts": 3}}
    assert settings.closed_days() == {20261102: "closed", 20261107: "open"}


def test_a_book_stop_of_nothing_is_refused(tmp_path: Path) -> None:
    settings = config.load_settings(written(tmp_path, '[[strategy]]\nuse = "ema_cross"\nbook_stop = 0'))
    with pytest.raises(BadInput, match="strategy ema_cross: book_stop must be above zero"):
        settings.strategies(("TAIFEX:TXF202108",))


def test_an_empty_settings_file_changes_nothing(tmp_path: Path) -> None:
    settings = config.load_settings(written(tmp_path, ""))
    assert (settings.strategies(("TAIFEX:TXF202108",)), settings.risk, settings.closed_days()) == ((), {}, {})


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[[strategy]\n", "is not valid TOML: Expected"),
        ("[[strategy]]\n", "Object missing required field `use` - at `$.strategy[0]`"),
        ("[[strategy]]\nuse = 3\n", "Expected `str`, got `int` - at `$.strategy[0].use`"),
        ('[[strategy]]\nuse = "x"\nsett = 3\n', "Object contains unknown field `sett` - at `$.strategy[0]`"),
        ("[risk.order_size]\nmax = 1.5\n", "Expected `int | object`, got `float` - at `$.risk[...][...]`"),
        ("[calendar]\nclosed = [2026-11-02]\n", "Expected `str`, got `date` - at `$.calendar.closed[0]`"),
        ("[strategies]\n", "Object contains unknown field `strategies`"),
    ],
)
def test_a_wrong_settings_file_is_refused_and_the_place_named(
    tmp_path: Path, text: str, sentence: str
) -> None:
    path = written(tmp_path, text)
    with pytest.raises(BadInput, match=re.escape(str(path))) as refusal:
        config.load_settings(path)
    assert sentence in str(refusal.value)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=f"there is no file {tmp_path}/absent.toml"):
        config.load_toml(tmp_path / "absent.toml")
    with pytest.raises(BadInput, match=f"{tmp_path} cannot be read .*: give a TOML file"):
        config.load_toml(tmp_path)
    (tmp_path / "old.toml").write_bytes("名 = 1".encode("cp950"))
    with pytest.raises(BadInput, match=r"old\.toml is not valid TOML: 'utf-8' codec"):
        config.load_toml(tmp_path / "old.toml")


@pytest.mark.parametrize(
    "conditions",
    [
        [{"name": "s1", "trigger": 1}, {"name": "s1", "trigger": 2}],
        [{"name": "c2", "trigger": 1}, {"trigger": 2}],
    ],
)
def test_two_conditions_of_one_name_are_refused(conditions: list[dict[str, Value]]) -> None:
    table = {"strategy": [{"use": "support_resistance", "name": "levels", "condition": conditions}]}
    settings = msgspec.convert(table, SettingsFile)
    with pytest.raises(BadInput, match="strategy levels: two conditions have the same name"):
        settings.strategies(("TAIFEX:TXF202108",))


@pytest.mark.parametrize(
    ("calendar", "sentence"),
    [
        ({"closed": ["2 November"]}, "'2 November' is not a date"),
        ({"open": ["2026-02-30"]}, "20260230 is not a date"),
        ({"closed": ["2026-11-02"], "open": ["20261102"]}, "calendar: 20261102 is both open and closed"),
    ],
)
def test_a_day_that_makes_no_sense_is_refused(calendar: dict[str, list[str]], sentence: str) -> None:
    settings = msgspec.convert({"calendar": calendar}, SettingsFile)
    with pytest.raises(BadInput, match=sentence):
        settings.closed_days()


NAMES = st.text(max_size=8)
NUMBERS = st.integers(-(2**53), 2**53)
VALUES = NUMBERS | st.floats(allow_nan=False, allow_infinity=False) | st.booleans() | NAMES
STRATEGIES = st.builds(
    StrategySettings,
    name=NAMES,
    use=NAMES,
    symbols=st.lists(NAMES, max_size=2).map(tuple),
    settings=st.dictionaries(NAMES, VALUES, max_size=3),
    conditions=st.dictionaries(NAMES, st.dictionaries(NAMES, VALUES, max_size=3), max_size=2),
)
RUNS = st.builds(
    RunSettings,
    symbols=st.lists(NAMES, max_size=3).map(tuple),
    day=NUMBERS,
    source=st.sampled_from(("recorded", "generated", "steady")),
    strategies=st.lists(STRATEGIES, max_size=2).map(tuple),
    limits=st.dictionaries(NAMES, st.dictionaries(NAMES, NUMBERS, max_size=2), max_size=2),
    closed_days=st.dictionaries(st.integers(19000101, 21991231), st.sampled_from(("open", "closed"))),
    bands=st.dictionaries(NAMES, st.tuples(NUMBERS, NUMBERS), max_size=2),
)


@given(RUNS)
def test_a_runs_settings_are_read_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, run: RunSettings
) -> None:
    path = tmp_path_factory.getbasetemp() / "run.json"
    config.write_run(run, path)
    assert config.read_run(path) == run


def test_a_damaged_run_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    for damage in ("{", "{}", '{"symbols": [], "day": 1, "source": "dreamt"}'):
        path.write_text(damage)
        with pytest.raises(BadInput, match=f"{path} is not a run's settings: "):
            config.read_run(path)
    with pytest.raises(BadInput, match=f"{tmp_path}/absent.json is not a run's settings: .*No such file"):
        config.read_run(tmp_path / "absent.json")


def test_several_contracts_can_be_replayed_together() -> None:
    assert config.parse_replay("TX202108,MXF202108@2021-07-26") == (
        "TAIFEX:TXF202108,TAIFEX:MXF202108",
        20210726,
        0,
    )


def test_the_policy_is_written_in_milliseconds_and_what_is_missing_is_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "autofutures.toml"
    path.write_text('[policy]\nstrangers = "flatten"\nanswer_ms = 250\n', "utf-8")
    policy = config.load_settings(path).book_policy()
    assert policy == msgspec.structs.replace(Policy(), strangers="flatten", answer_ns=250_000_000)
    path.write_text("[policy]\nbreaker_failures = 0\nbreaker_pause_ms = 500\n", "utf-8")
    policy = config.load_settings(path).book_policy()
    assert policy == msgspec.structs.replace(Policy(), breaker_failures=0, breaker_pause_ns=500_000_000)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[policy]\nanswer_ms = 0\n", "policy: answer_ms is 0: give milliseconds above zero"),
        ("[broker]\nslowly = 1\n", "there is no fault 'slowly' of a broker"),
    ],
)
def test_a_policy_or_a_fault_that_makes_no_sense_is_refused(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "autofutures.toml"
    path.write_text(text, "utf-8")
    read = config.load_settings(path)
    with pytest.raises(BadInput, match=says):
        (read.book_policy(), read.faults())


def test_another_word_for_strangers_is_refused_with_the_ones_there_are(tmp_path: Path) -> None:
    path = tmp_path / "autofutures.toml"
    path.write_text('[policy]\nstrangers = "sue"\n', "utf-8")
    with pytest.raises(BadInput, match="sue"):
        config.load_settings(path)


def test_a_run_counts_in_the_currency_of_its_symbols_and_in_one_only() -> None:
    assert currency_of(["TAIFEX:TXF202108", "TAIFEX:MXF202108"]) == "TWD"
    assert currency_of(["CME:ES202403", "COMEX:GC202404"]) == "USD"
    assert currency_of(["BINANCE:BTCUSD"]) == "BTC"
    with pytest.raises(BadInput, match="TAIFEX:TXF202108 in TWD and CME:ES202403 in USD: run them apart"):
        currency_of(["TAIFEX:TXF202108", "CME:ES202403"])


def test_every_currency_has_a_book_stop_in_its_own_minor_unit() -> None:
    assert book_stop_of(["TAIFEX:TXF202108"]) == BOOK_STOP
    assert book_stop_of(["CME:ES202403"]) == 650_000
    # 6,500 USDT is a move of 1,000 USDT of 6.5 coins.
    coin = instrument("BINANCE:BTCUSDT").product
    assert book_stop_of(["BINANCE:BTCUSDT"]) == 10_000 * coin.tick_value * 6_500
    for product in products().values():
        assert book_stop_of([f"{product.exchange}:{product.root}"]) > 0


def test_a_settings_file_says_its_own_book_stop_or_has_its_currencys() -> None:
    table = {"use": "ema_cross", "book_stop": 200_000}
    own = msgspec.convert({"strategy": [table]}, SettingsFile)
    assert own.strategies(("CME:ES202403",))[0].book_stop == 200_000
    left = msgspec.convert({"strategy": [{"use": "ema_cross"}]}, SettingsFile)
    assert left.strategies(("CME:ES202403",))[0].book_stop == 650_000
