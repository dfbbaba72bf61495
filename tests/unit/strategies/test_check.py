import importlib.util
from pathlib import Path

import pytest

from autofutures.domain.errors import BadInput
from autofutures.domain.messages import Tick
from autofutures.strategies import STRATEGIES
from autofutures.strategies.base import Strategy
from autofutures.strategies.check import HOOKS, MOST_SAID, check_source
from autofutures.strategies.context import Context
from autofutures.strategies.load import GIVEN, load, place_of

HEAD = """import math
from autofutures.strategies.base import Strategy


class Mine(Strategy):
    window: int = 20
    _mean: float = 0.0
    _count: int = 0
    _up: bool = False
    _word: str = ""
    _last_ticks: int = 0

"""
FIRST = HEAD.count("\n") + 1


def mine(folder: Path, body: str) -> type[Strategy]:
    """The class with these lines as the rest of its body."""
    path = folder / "mine.py"
    path.write_text(HEAD + "".join(f"    {line}\n" for line in body.splitlines()), "utf-8")
    return load(f"{path}:Mine")


def on_tick(line: str) -> str:
    return f"def on_tick(self, tick, ctx):\n    {line}"


def refusal(folder: Path, body: str) -> str:
    with pytest.raises(BadInput) as refused:
        mine(folder, body)
    return str(refused.value)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (
            "self._lst_ticks = tick.price_ticks",
            "field '_lst_ticks' is not declared: did you mean '_last_ticks'?",
        ),
        (
            "self._total += tick.qty",
            "field '_total' is not declared: write `_total: int = 0` below `class Mine`",
        ),
        (
            "self._total = 1.5",
            "field '_total' is not declared: write `_total: float = 0.0` below `class Mine`",
        ),
        ("self._count = 0.5", "`0.5` is a float and field '_count' is declared int: write `round(0.5)`"),
        ("self._count += 0.5", "`self._count + 0.5` is a float and field '_count' is declared int"),
        ("self._count = tick.price_ticks / 2", "is a float and field '_count' is declared int"),
        ("self._last_ticks = self._mean", "`self._mean` is a float and field '_last_ticks' is declared int"),
        ("self._last_ticks = math.sqrt(2)", "is a float and field '_last_ticks' is declared int"),
        ("price = float(tick.qty); self._count = price", "`price` is a float and field '_count'"),
        ("self._mean, self._count = 1, 2.0", "`2.0` is a float and field '_count' is declared int"),
        ("self._up = 1", "`1` is a whole number and field '_up' is declared bool: write True or False"),
        ("self._count = 'many'", "`'many'` is text and field '_count' is declared int"),
        ("return self.windov", "Mine has no 'windov': did you mean 'window'?"),
        ("tick.price", "tick has no 'price': did you mean 'price_ticks'?"),
        ("ctx.positon", "ctx has no 'positon': did you mean 'position'?"),
        ("ctx.by_market(1)", "ctx has no 'by_market': did you mean 'buy_market'?"),
        ("ctx.buy_market(1, stop=3)", "unexpected keyword argument 'stop'): write ctx.buy_market(qty, leg=…"),
        (
            "ctx.buy_limit(1)",
            "missing a required argument: 'price_ticks'): write ctx.buy_limit(qty, price_ticks, ",
        ),
        ("self._mean = mth.pi", "nobody knows the name 'mth': did you mean 'math'?"),
        ("any(pirce for price in (1, 2))", "nobody knows the name 'pirce'"),
    ],
)
def test_a_mistake_in_a_hook_is_a_sentence_with_file_and_line(
    tmp_path: Path, line: str, sentence: str
) -> None:
    said = refusal(tmp_path, on_tick(line))
    assert said.startswith(f"{tmp_path / 'mine.py'}:{FIRST + 1}: ")
    assert sentence in said


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("def on_tik(self, tick, ctx):\n    pass", "nobody calls 'on_tik': did you mean on_tick?"),
        ("def ontick(self, tick, ctx):\n    pass", "nobody calls 'ontick': did you mean on_tick?"),
        ("def on_noise(self, tick, ctx):\n    pass", "nobody calls 'on_noise'"),
        (
            "def on_bar(self, bar):\n    pass",
            "on_bar is given the event and ctx: write `def on_bar(self, bar, ctx):`",
        ),
        (
            "prices: list[int] = []",
            "field 'prices' is declared list[int], and a field is int, float, bool or str",
        ),
        ("size: int = 2.5", "`2.5` is a float and field 'size' is declared int"),
        ("def __init__(self):\n    super().__init__(); self.seen = 0", "field 'seen' is not declared"),
    ],
)
def test_a_mistake_in_the_class_is_a_sentence_too(tmp_path: Path, body: str, sentence: str) -> None:
    assert sentence in refusal(tmp_path, body)


@pytest.mark.parametrize(
    "line",
    [
        "self._count = round(tick.price_ticks / 2)",
        "self._count = tick.price_ticks // 2",
        "self._mean = tick.price_ticks",
        "self._mean += (tick.price_ticks - self._mean) / 2",
        "self._up = tick.price_ticks > 3 and not self._up",
        "self._count = max(self._count, tick.qty)",
        "self._count = self.helper(tick)",
        "self._word = f'{tick.qty}'",
        "ctx.buy_limit(1, tick.price_ticks, exit=ctx.declare_exit(stop_ticks=3))",
        "price = 1; price = 2.5; self._count = price",
        "tick = object(); tick.anything",
        "words = {'qty': 1}; ctx.buy_market(**words)",
    ],
)
def test_what_may_be_right_is_let_pass(tmp_path: Path, line: str) -> None:
    helper = "\ndef helper(self, tick):\n    return tick.qty"
    assert mine(tmp_path, on_tick(line) + helper).__name__ == "Mine"


def test_several_mistakes_are_told_at_once_and_not_too_many(tmp_path: Path) -> None:
    body = "def on_tick(self, tick, ctx):\n" + "\n".join(f"    self.x{n}zz = 1" for n in range(MOST_SAID + 2))
    lines = refusal(tmp_path, body).splitlines()
    assert lines[0] == "Mine cannot run:"
    assert len(lines) == MOST_SAID + 2
    assert lines[-1].strip() == "and 2 more"


def test_every_strategy_of_the_table_passes() -> None:
    for name in STRATEGIES:
        check_source(load(name))


def test_every_hook_of_a_strategy_is_known() -> None:
    assert set(HOOKS) == {name for name in vars(Strategy) if name.startswith("on_")}


def test_a_class_that_packs_its_own_state_declares_it_as_it_likes(tmp_path: Path) -> None:
    body = "def pack(self):\n    return b''\ndef on_tick(self, tick, ctx):\n    self.anything = [tick]"
    assert mine(tmp_path, body).__name__ == "Mine"


def test_what_is_no_number_is_declared_where_the_strategy_is_made(tmp_path: Path) -> None:
    made = "def __init__(self, **settings):\n    super().__init__(**settings); self._seen: list[int] = []\n"
    assert mine(tmp_path, made + on_tick("self._seen.append(tick.qty)")).__name__ == "Mine"


def test_a_mistake_of_the_class_it_derives_from_is_found(tmp_path: Path) -> None:
    path = tmp_path / "two.py"
    text = (
        HEAD
        + "    def on_tick(self, tick, ctx):\n        self.nothing_here = 1\n\n\nclass Child(Mine):\n    pass\n"
    )
    path.write_text(text, "utf-8")
    with pytest.raises(BadInput, match="field 'nothing_here' is not declared"):
        load(f"{path}:Child")


class Handed(Strategy):
    def on_tick(self, tick: Tick, ctx: Context) -> None:
        ctx.save()


def test_a_class_is_found_again_by_where_it_stands(tmp_path: Path) -> None:
    in_a_file = mine(tmp_path, "pass")
    assert place_of(in_a_file) == f"{tmp_path / 'mine.py'}:Mine"
    assert place_of(load("ema_cross")) == STRATEGIES["ema_cross"]

    class Local(Strategy):
        pass

    assert load(place_of(Local)) is Local
    assert place_of(Local) == f"{GIVEN}Local"
    with pytest.raises(BadInput, match="Elsewhere was given in another process: put the class into a file"):
        load(f"{GIVEN}Elsewhere")


def test_a_class_without_source_is_taken_as_it_is() -> None:
    space: dict[str, object] = {"Strategy": Strategy, "__name__": "nowhere"}
    exec("class Typed(Strategy):\n    def on_tik(self): pass\n", space)  # noqa: S102 - as typed into a prompt
    typed = space["Typed"]
    assert isinstance(typed, type)
    check_source(typed)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("x = 1\ny = prise\n", "line 2: name 'prise' is not defined"),
        ("x = 1 / 0\n", "line 1: division by zero"),
        ("x = (\n", "'(' was never closed"),
    ],
)
def test_a_file_that_cannot_run_is_named_with_its_line(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "mine.py"
    path.write_text(text, "utf-8")
    with pytest.raises(BadInput, match="could not be loaded") as refused:
        load(f"{path}:Mine")
    assert sentence in str(refused.value)
    assert importlib.util.find_spec("mine") is None
