import io
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autofutures.domain.errors import BadInput, BadMessage, BrokenInvariant
from autofutures.domain.messages import (
    SCHEMA,
    AnyMessage,
    Beat,
    Configured,
    Filled,
    Heartbeat,
    Intent,
    Placed,
    Quote,
    Ready,
    Saved,
    SessionEnded,
    Snapshot,
    Submit,
    Tick,
    Woke,
    encode,
)
from autofutures.domain.order_life import Status
from autofutures.domain.units import OpenClose, OrderType, Side, TimeInForce
from autofutures.orders.ids import MAX_EPOCH
from autofutures.storage.chain import chained
from autofutures.storage.file import Durability
from autofutures.storage.journal import Journal
from autofutures.storage.memory import empty_journal
from autofutures.storage.reading import Batch, seal_of_epoch
from autofutures.storage.witness import read_witness, witness_path

SYMBOL = "TAIFEX:TXF202108"
TICK = Tick(SYMBOL, 1, 17_400, 2)
QUOTE = Quote(SYMBOL, 1, 17_399, 4, 17_400, 2)
INTENT = Intent("ema", 3, 1, 10, SYMBOL, Side.BUY, 2, OrderType.MARKET)
PLACED = Placed("abc0100001", Status.SENT, INTENT)
SUBMIT = Submit(
    "abc0100001",
    10,
    SYMBOL,
    Side.BUY,
    2,
    OrderType.MARKET,
    0,
    TimeInForce.IOC,
    OpenClose.AUTO,
    day_trade=False,
)
FILLED = Filled("abc0100001", 12, "F1", SYMBOL, Side.BUY, 2, 17_401)
SAVED = Saved("ema", 13, b"\x00\xff state")
CONFIGURED = Configured("r1", "sr", 14, "add", "first", {"qty": 1, "on": True, "side": "buy"})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "journal.sqlite"


def written(path: Path, batches: int = 3) -> Path:
    with Journal.open(path) as journal:
        for number in range(1, batches + 1):
            journal.commit([INTENT], [PLACED, SUBMIT], number)
    return path


def unhashed(journal: Journal) -> list[Batch]:
    return [msgspec.structs.replace(batch, hash=b"") for batch in journal.batches()]


def change(path: Path, sql: str, *values: int | bytes) -> None:
    """What no journal does to its file."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(sql, values)


def limited(path: Path, pragma: str) -> Journal:
    """A journal whose disk is full, or whose file may only be read, as SQLite says it."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(f"PRAGMA {pragma}").fetchall()
    return Journal(connection, path, io.StringIO())


@pytest.mark.parametrize("durability", ["process-crash", "power-loss"])
def test_what_was_committed_is_there_after_a_reopening_in_order(path: Path, durability: Durability) -> None:
    with Journal.open(path, durability=durability) as journal:
        journal.commit([INTENT], [PLACED, SUBMIT], 10)
        journal.commit((FILLED, SAVED), (), 13)
    with Journal.open(path, durability=durability) as journal:
        journal.commit([CONFIGURED], [Woke("ema", 15, 1)], 15)
        assert unhashed(journal) == [
            Batch(1, 10, (INTENT,), (PLACED, SUBMIT)),
            Batch(2, 13, (FILLED, SAVED), ()),
            Batch(3, 15, (CONFIGURED,), (Woke("ema", 15, 1),)),
        ]


def test_the_facts_are_all_outputs_and_the_inputs_that_are_facts_themselves(path: Path) -> None:
    with Journal.open(path) as journal:
        journal.commit([INTENT, SAVED], [PLACED, SUBMIT], 10)
        journal.commit([FILLED, CONFIGURED, Ready("ema")], [Woke("ema", 15, 1)], 15)
        assert list(journal.facts()) == [SAVED, PLACED, SUBMIT, CONFIGURED, Woke("ema", 15, 1)]


@pytest.mark.parametrize(
    "passing",
    [TICK, QUOTE, Beat(1), Heartbeat("gateway", 1), Snapshot("q1", 1, 0, (), (), {})],
    ids=lambda message: type(message).__name__,
)
def test_what_the_recorder_has_and_what_only_passes_is_left_out(path: Path, passing: AnyMessage) -> None:
    ended = SessionEnded(SYMBOL, 4, 20210726, "day")
    with Journal.open(path) as journal:
        journal.commit([passing], [], 1)
        journal.commit([passing, ended], [PLACED], 3)
        journal.commit([ended], [], 4)
        assert unhashed(journal) == [Batch(1, 3, (ended,), (PLACED,)), Batch(2, 4, (ended,), ())]


def test_closing_twice_does_nothing(path: Path) -> None:
    journal = Journal.open(path)
    journal.close()
    journal.close()


@pytest.mark.parametrize(("durability", "synchronous"), [("process-crash", 1), ("power-loss", 2)])
def test_each_durability_waits_for_the_disk_as_it_says(
    path: Path, durability: Durability, synchronous: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[sqlite3.Connection] = []
    connect = sqlite3.connect

    def kept(place: Path, *, isolation_level: None) -> sqlite3.Connection:
        opened.append(connect(place, isolation_level=isolation_level))
        return opened[-1]

    monkeypatch.setattr(sqlite3, "connect", kept)
    with Journal.open(path, durability=durability) as journal:
        journal.next_epoch()
        assert opened[-1].execute("PRAGMA synchronous").fetchone() == (synchronous,)
        assert opened[-1].execute("PRAGMA journal_mode").fetchone() == ("wal",)


numbers = st.integers(-(2**63), 2**63 - 1)
words = st.text(max_size=9)
sides = st.sampled_from(Side)
kinds = st.sampled_from(OrderType)
intents = st.builds(Intent, words, numbers, numbers, numbers, words, sides, numbers, kinds)
values = st.dictionaries(words, words | st.booleans() | numbers)
messages: st.SearchStrategy[AnyMessage] = st.one_of(
    st.builds(Tick, words, numbers, numbers, numbers),
    intents,
    st.builds(Filled, words, numbers, words, words, sides, numbers, numbers),
    st.builds(Saved, words, numbers, st.binary()),
    st.builds(Configured, words, words, numbers, words, words, values),
    st.builds(Placed, words, st.sampled_from(Status), intents),
)
some = st.lists(messages, max_size=3)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.tuples(some, some, numbers), max_size=4))
def test_every_message_comes_back_as_it_went_in(
    batches: list[tuple[list[AnyMessage], list[AnyMessage], int]], tmp_path: Path
) -> None:
    path = tmp_path / "journal.sqlite"
    witness_path(path).unlink(missing_ok=True)
    path.write_bytes(empty_journal())
    with Journal.open(path) as journal:
        for inputs, outputs, at in batches:
            journal.commit(inputs, outputs, at)
    kept = [
        (tuple(message for message in inputs if not isinstance(message, Tick)), tuple(outputs), at)
        for inputs, outputs, at in batches
    ]
    with Journal.open(path) as journal:
        assert [(batch.inputs, batch.outputs, batch.at) for batch in journal.batches()] == [
            batch for batch in kept if batch[0] or batch[1]
        ]


def test_every_life_gets_a_larger_epoch(path: Path) -> None:
    with Journal.open(path) as journal:
        assert [journal.next_epoch(), journal.next_epoch()] == [1, 2]
    with Journal.open(path) as journal:
        assert journal.next_epoch() == 3


def test_an_epoch_that_client_ids_have_no_room_for_is_refused(path: Path) -> None:
    written(path)
    change(
        path, "INSERT INTO epoch (number, hash) VALUES (?, ?)", MAX_EPOCH - 1, seal_of_epoch(MAX_EPOCH - 1)
    )
    with Journal.open(path) as journal:
        assert journal.next_epoch() == MAX_EPOCH
        with pytest.raises(BadInput, match=r"has used all 1295 epochs .* another place for the state"):
            journal.next_epoch()


def test_an_epoch_that_could_not_be_stored_is_not_given_out(path: Path) -> None:
    journal = limited(written(path), "query_only = 1")
    with journal, pytest.raises(BrokenInvariant, match="attempt to write a readonly database"):
        journal.next_epoch()


CHILD = """
import sys
from pathlib import Path

from autofutures.domain.messages import Saved
from autofutures.storage.journal import Journal

journal = Journal.open(Path(sys.argv[1]))
print(journal.next_epoch(), flush=True)
number = 0
while True:
    number += 1
    messages = [Saved("child", number, bytes([number % 256]) * 3000)]
    journal.commit(messages, messages, number)
    print(number, flush=True)
"""


@pytest.mark.parametrize("lines", [2, 7, 60])
def test_a_killed_writer_leaves_all_that_it_committed_and_nothing_half(path: Path, lines: int) -> None:
    command = [sys.executable, "-c", CHILD, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        said = [child.stdout.readline() for _ in range(lines)]
        child.send_signal(signal.SIGKILL)
        said += child.stdout.readlines()
    committed = int([line for line in said if line.endswith("\n")][-1])
    with Journal.open(path) as journal:
        batches = unhashed(journal)
        assert len(batches) - committed in {0, 1}  # It may die between a commit and the word of it.
        for number, batch in enumerate(batches, 1):
            saved = Saved("child", number, bytes([number % 256]) * 3000)
            assert batch == Batch(number, number, (saved,), (saved,))
        assert journal.next_epoch() == 2


def test_a_second_writer_is_refused_until_the_first_has_closed(path: Path, tmp_path: Path) -> None:
    (tmp_path / "alias").symlink_to(path.parent)
    with Journal.open(path) as journal:
        for name in (path, tmp_path / "alias" / path.name):
            with pytest.raises(BadInput, match="is in use, and a journal has one writer: stop the other"):
                Journal.open(name)
        journal.commit([INTENT], [PLACED], 1)
    with Journal.open(path) as journal:
        assert len(list(journal.batches())) == 1


def test_a_refused_file_is_not_held(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"not a database, and long enough to be asked for its header" * 20)
    for _ in range(2):
        with pytest.raises(BadInput, match="file is not a database"):
            Journal.open(path)


def test_a_file_of_another_program_is_refused_and_left_alone(path: Path) -> None:
    path.parent.mkdir()
    change(path, "CREATE TABLE notes (text)")
    before = path.read_bytes()
    with pytest.raises(BadInput, match="is an SQLite file of something else, no journal"):
        Journal.open(path)
    assert path.read_bytes() == before


def test_an_empty_file_becomes_a_journal(path: Path) -> None:
    path.parent.mkdir()
    path.touch()
    with Journal.open(path) as journal:
        assert list(journal.facts()) == []


def test_a_file_of_a_newer_version_is_refused(path: Path) -> None:
    change(written(path), "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(BadInput, match=r"has schema 9999 .* a newer version wrote it; run that version"):
        Journal.open(path)


def test_a_place_that_cannot_hold_a_file_is_refused(path: Path) -> None:
    path.parent.write_text("a file, no folder")
    with pytest.raises(BadInput, match=r"no journal can be kept at .* choose another place"):
        Journal.open(path)
    with pytest.raises(BadInput, match="unable to open database file"):
        Journal.open(path.parent.parent)


def test_a_file_that_was_cut_short_is_refused(path: Path) -> None:
    size = written(path, batches=100).stat().st_size
    os.truncate(path, size - 5_000)
    with pytest.raises(BadInput, match="malformed"):
        Journal.open(path)


def test_a_file_with_a_broken_page_is_refused(path: Path) -> None:
    written(path, batches=100)
    data = bytearray(path.read_bytes())
    data[-1024:] = bytes(1024)
    path.write_bytes(data)
    with pytest.raises(BadInput, match=r"batch \d+ of .* malformed.*`autofutures db restore --run"):
        Journal.open(path)


def test_one_changed_bit_of_a_message_is_noticed(path: Path) -> None:
    data = bytearray(written(path).read_bytes())
    data[data.rindex(b"TXF202108")] ^= 1
    path.write_bytes(data)
    with pytest.raises(BadMessage, match=r"batch \d of .* it does not fit its hash"):
        Journal.open(path)


@pytest.mark.parametrize(
    ("change_of_batch", "why"),
    [
        ("SET outputs = x'9191c0'", "does not fit its hash and the batch before it"),
        ("SET outputs = 'text'", "its row is not a batch"),
        ("SET inputs = outputs, outputs = inputs", "does not fit its hash"),
        ("SET at = at + 1", "does not fit its hash"),
        ("SET hash = x'00'", "does not fit its hash"),
        ("SET id = 4", "it is missing, batch 3 comes in its place"),
    ],
)
def test_a_damaged_batch_is_named_and_keeps_the_machine_from_starting(
    path: Path, change_of_batch: str, why: str
) -> None:
    change(written(path), f"UPDATE batch {change_of_batch} WHERE id = 2")
    for _ in range(2):
        named = rf"batch 2 of {path} cannot be read: .*{why}.*`autofutures db restore --run {path.parent}"
        with pytest.raises(BadMessage, match=named):
            Journal.open(path)


def test_a_batch_from_the_middle_that_is_gone_is_named(path: Path) -> None:
    change(written(path, 5), "DELETE FROM batch WHERE id = 3")
    with pytest.raises(BadMessage, match=r"batch 3 of .* somebody deleted it"):
        Journal.open(path)


def test_the_end_is_missed_even_where_the_file_itself_does_not_know_of_it(path: Path) -> None:
    """As of a write-ahead log that was lost: the file is whole, and shorter than it was."""
    written(path, 5)
    change(path, "DELETE FROM batch WHERE id > 3")
    change(path, "DELETE FROM removed")
    with pytest.raises(BadMessage, match=r"batch 4 of .* all that followed \(2 in all\) were committed"):
        Journal.open(path)


def test_a_last_batch_that_was_replaced_with_a_good_hash_is_noticed(path: Path) -> None:
    written(path, 3)
    with closing(sqlite3.connect(path)) as connection, connection:
        (second,) = connection.execute("SELECT hash FROM batch WHERE id = 2").fetchone()
        forged = chained(second, 3, 99, SCHEMA, encode([]), encode([PLACED]))
        connection.execute(
            "UPDATE batch SET at = 99, inputs = ?, outputs = ?, hash = ? WHERE id = 3",
            (encode([]), encode([PLACED]), forged),
        )
    with pytest.raises(BadMessage, match=r"batch 3 of .* it is not the one that was committed"):
        Journal.open(path)


def test_a_journal_without_its_witness_is_opened_and_gets_a_new_one(path: Path) -> None:
    written(path, 3)
    witness_path(path).unlink()
    with Journal.open(path) as journal:
        assert journal.head.number == 3
    assert read_witness(witness_path(path)) == (journal.head, 0)


@pytest.mark.parametrize("sql", ["UPDATE epoch SET number = 7 WHERE number = 2", "DELETE FROM epoch"])
def test_an_epoch_that_was_changed_keeps_the_machine_from_starting(path: Path, sql: str) -> None:
    with Journal.open(path) as journal:
        assert [journal.next_epoch(), journal.next_epoch()] == [1, 2]
    change(path, sql)
    with pytest.raises(BadMessage, match=r"epoch \d of .*`autofutures db restore"):
        Journal.open(path)


def test_a_batch_that_another_version_wrote_is_not_read(path: Path) -> None:
    written(path, 1)
    with closing(sqlite3.connect(path)) as connection, connection:
        row = (2, 5, 99, encode([]), encode([PLACED]))
        (before,) = connection.execute("SELECT hash FROM batch").fetchone()
        connection.execute("INSERT INTO batch VALUES (?, ?, ?, ?, ?, ?)", (*row, chained(before, *row)))
        (before,) = connection.execute("SELECT hash FROM batch WHERE id = 2").fetchone()
        last = (3, 6, SCHEMA, encode([]), b"\x91\xc0")
        connection.execute("INSERT INTO batch VALUES (?, ?, ?, ?, ?, ?)", (*last, chained(before, *last)))
    with Journal.open(path) as journal:
        facts = journal.facts()
        assert [next(facts), next(facts)] == [PLACED, SUBMIT]
        with pytest.raises(BadMessage, match=r"batch 2 of .* of schema 99, and this version reads 1"):
            next(facts)


def test_a_batch_without_a_message_that_this_version_knows_is_not_read(path: Path) -> None:
    written(path, 1)
    with closing(sqlite3.connect(path)) as connection, connection:
        (before,) = connection.execute("SELECT hash FROM batch").fetchone()
        last = (2, 6, SCHEMA, encode([]), b"\x91\xc0")
        connection.execute("INSERT INTO batch VALUES (?, ?, ?, ?, ?, ?)", (*last, chained(before, *last)))
    with (
        Journal.open(path) as journal,
        pytest.raises(BadMessage, match=r"batch 2 .* it holds what is no mess"),
    ):
        list(journal.facts())


def test_opening_a_file_of_this_version_needs_no_alembic(path: Path) -> None:
    written(path)
    code = (
        "import sys; from pathlib import Path; from autofutures.storage.journal import Journal; "
        "Journal.open(Path(sys.argv[1])).close(); sys.exit('sqlalchemy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(path)], check=False).returncode == 0


def test_reading_that_fails_on_the_disk_names_the_batch(path: Path) -> None:
    journal = Journal.open(written(path))
    batches = journal.batches()
    journal.close()
    with pytest.raises(BadMessage, match=r"batch 1 of .* cannot be read: .* closed database"):
        next(batches)


def test_the_journal_holds_messages_of_this_schema() -> None:
    # A new SCHEMA needs a migration that rewrites stored batches: else every journal is refused.
    assert SCHEMA == 1


@pytest.mark.parametrize(
    ("pragma", "words"),
    [
        ("max_page_count = 1", "database or disk is full"),
        ("query_only = 1", "attempt to write a readonly database"),
    ],
)
def test_a_batch_that_cannot_be_written_stops_the_process_in_words(
    path: Path, pragma: str, words: str
) -> None:
    large = Saved("ema", 1, bytes(9_000))
    with limited(written(path), pragma) as journal:
        with pytest.raises(BrokenInvariant, match=f"could not be written: {words}. Nothing of this batch"):
            journal.commit([large], [], 4)
        # No later batch may follow one that is lost.
        with pytest.raises(BrokenInvariant, match="closed database"):
            journal.commit([INTENT], [], 5)
    with Journal.open(path) as journal:
        assert len(list(journal.batches())) == 3
