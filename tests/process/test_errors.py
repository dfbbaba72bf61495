"""A wrong request is answered with one sentence on standard error and exit code 2, and nothing is started."""

import pytest

from tests.process.machine import DAY, EMA, Machine, Outcome

SENTENCES = {
    "a symbol that was never imported": (
        ("up", "--replay", "ZZZ202108@2021-07-26", *EMA),
        ("ZZZ202108", "near it are"),
    ),
    "a day that was never imported": (
        ("up", "--replay", "TXF202108@2021-07-27", *EMA),
        ("2021-07-27", "it has 2021-07-26"),
    ),
    "a day for a backtest": (
        ("backtest", "ema_cross", "--symbol", "TXF202108", "--date", "2021-07-27"),
        ("it has 2021-07-26",),
    ),
    "a setting that the strategy has not": (
        ("up", "--replay", DAY, "--strategy", "ema_cross", "--set", "fsat=20"),
        ("'fsat'", "fast, slow, lots"),
    ),
    "no strategy": (("up", "--replay", DAY), ("--strategy ema_cross",)),
}
WITHOUT_DATA = {
    "no such strategy": (("up", "--generate", "--strategy", "magic"), ("'magic'", "ema_cross")),
    "a speed that is none": (("up", "--generate", *EMA, "--speed", "fast"), ("'fast'", "max")),
    "a contract that has expired": (
        ("up", "--generate", *EMA, "--symbol", "TXF202608", "--date", "2026-09-03"),
        ("TXF202608", "expires"),
    ),
    "a delay without a unit": (("up", "--generate", *EMA, "--order-latency", "5"), ("'5'", "5ms")),
    "nothing to trade": (("up", *EMA), ("--replay SYMBOL@DATE", "--generate")),
    "a folder without a run": (("status", "--run", "/nowhere"), ("/nowhere", "not the folder of a run")),
    "no run at all": (("stop",), ("no run was found", "autofutures up")),
}


def check(ended: Outcome, words: tuple[str, ...]) -> None:
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("autofutures: ")
    assert ended.err.count("\n") == 1
    for word in words:
        assert word in ended.err


@pytest.mark.parametrize("case", SENTENCES)
def test_a_wrong_request_for_recorded_data_is_answered_with_a_sentence(replaying: Machine, case: str) -> None:
    arguments, words = SENTENCES[case]
    check(replaying.on_catalog(*arguments), words)
    assert not (replaying.home / "state").exists()


@pytest.mark.parametrize("case", WITHOUT_DATA)
def test_a_wrong_request_is_answered_with_a_sentence(machine: Machine, case: str) -> None:
    arguments, words = WITHOUT_DATA[case]
    check(machine.run(*arguments), words)
    assert not (machine.home / "state").exists()
