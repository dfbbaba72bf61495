"""What the README and `examples/` show is run here."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main

from autofutures import cli
from autofutures.assemble.request import RunOptions
from autofutures.backtest.runner import run
from autofutures.config import GENERATED_DATE, GENERATED_SYMBOL
from autofutures.portfolio.tally import Summary

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")


def backtest(strategy: str = "", config: Path | None = None) -> Summary:
    options = RunOptions(
        strategies=[strategy] if strategy else [],
        settings=[],
        symbol=GENERATED_SYMBOL,
        date=GENERATED_DATE,
        generate=True,
        trades=1_500,
        config=config,
    )
    return run(options.run()).summary


def test_the_readme_s_strategy_is_the_example_and_trades(tmp_path: Path) -> None:
    code = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)[0]
    shown = tmp_path / "shown.py"
    shown.write_text(code, "utf-8")
    by_readme = backtest(f"{shown}:Breakout")
    assert by_readme.orders > 0
    assert by_readme == backtest(f"{ROOT / 'examples' / 'breakout.py'}:Breakout")


def test_the_example_settings_trade_with_both_strategies() -> None:
    summary = backtest(config=ROOT / "examples" / "autofutures.toml")
    assert summary.orders > 0
    assert summary.refused == 0


def test_an_example_that_is_a_program_ends_with_the_hash_of_its_orders() -> None:
    program = ROOT / "examples" / "swing.py"
    ran = subprocess.run([sys.executable, program], capture_output=True, text=True, check=True)
    figures, order_hash = ran.stdout.splitlines()
    again = backtest(f"{program}:Swing")
    assert figures == f"{again.orders} orders, {again.fills} fills"
    assert order_hash == again.order_hash
    assert again.refused == 0
    assert again.positions == {}


def commands() -> list[list[str]]:
    consoles = "\n".join(re.findall(r"```console\n(.*?)```", README, flags=re.DOTALL)).replace("\\\n", " ")
    return [
        shlex.split(line, comments=True)[1:]
        for line in consoles.splitlines()
        if line.startswith(".venv/bin/autofutures")
    ]


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_command_of_the_readme_exists_with_its_options(words: list[str]) -> None:
    command = typer.main.get_command(cli.assembled())
    left = list(words)
    while groups := getattr(command, "commands", None):
        command = groups[left.pop(0)]
    known = {name for parameter in command.params for name in parameter.opts}
    assert {word for word in left if word.startswith("--")} <= known


def test_every_target_of_make_that_the_readme_names_exists() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in re.findall(r"(?:^|`)make (\w+)", README, flags=re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target
