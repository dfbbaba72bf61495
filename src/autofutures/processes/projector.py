"""The projector process: follows the journal and keeps the tables of projections up to date, beside the trading.

Nobody waits for it. It reads the journal's file and writes to a database that may be slow, away or gone: then it
waits and catches up, for each transaction says how far it came. The trader does not know that it is there.
"""

import random
import threading
from collections.abc import Iterator
from pathlib import Path

from autofutures import clock
from autofutures.assemble.nodes import calendar_of
from autofutures.domain.errors import AutofuturesError, BrokenInvariant
from autofutures.domain.units import SECOND
from autofutures.ops.folder import Folder
from autofutures.ops.process import Life, Log, run_process
from autofutures.storage.journal_reader import JournalReader
from autofutures.storage.projections.engine import shown_url
from autofutures.storage.projections.follow import Follower
from autofutures.storage.projections.store import Projections

LOOK_EVERY_NS = SECOND // 5
"""How often the journal is looked at for news."""

FIRST_WAIT_NS = SECOND // 5
LONGEST_WAIT_NS = 5 * SECOND
"""After trouble it waits so long, twice as long each time, and no longer than this; the half of it is chance."""

END_NS = 3 * SECOND
"""Once the run has ended, so long without a batch folded leaves the rest to `autofutures projections update`."""


def waits(chance: random.Random) -> Iterator[int]:
    """How long to wait after each trouble in turn, in nanoseconds: many processes must not come back at one moment."""
    wait = FIRST_WAIT_NS
    while True:
        yield wait // 2 + chance.randrange(wait // 2)
        wait = min(2 * wait, LONGEST_WAIT_NS)


class Projector:
    """Follows one run's journal into one database, on a thread that the database may keep waiting.

    Args:
        folder: the run's.
        url: the database's.
        log: hears of trouble when it begins, and when it is over.

    Attributes:
        folded: batches so far.
        finished: the run has ended and all of it is folded.
    """

    def __init__(self, folder: Folder, url: str, log: Log) -> None:
        self._folder = folder
        self._url = url
        self._log = log
        self._reader = JournalReader(folder.journal)
        self._calendar = calendar_of(folder.run())
        self._trouble = ""
        self._waits = waits(random.Random())
        self.folded = 0
        self.finished = False

    def serve(self) -> None:
        """Follows until the run has ended and all of it is folded."""
        while not self.finished:
            try:
                self._follow()
            except AutofuturesError as error:  # Of database or journal: nothing was half done.
                self._troubled(str(error))
                clock.sleep_ns(next(self._waits))
            else:
                clock.sleep_ns(LOOK_EVERY_NS)

    def _follow(self) -> None:
        """Connects and folds what comes, until the run has ended; a journal that is not there yet is waited for."""
        if not self._reader.exists():
            return
        with Projections.open(self._url) as projections:
            follower = Follower(self._reader, projections, self._calendar)
            while not self.finished:
                over = self._folder.result.exists()  # The trader writes it behind its last batch.
                count = follower.step()
                self.folded += count
                self._recovered()
                self.finished = over and not count
                if not count:
                    clock.sleep_ns(LOOK_EVERY_NS)

    def _troubled(self, words: str) -> None:
        if words != self._trouble:
            self._trouble = words
            self._log.warning("waiting", reason=words, folded=self.folded)

    def _recovered(self) -> None:
        if self._trouble:
            self._trouble = ""
            self._waits = waits(random.Random())
            self._log.info("going on", folded=self.folded)


def body(run: Path, _name: str, log: Log) -> None:
    """Follows the run to its end, and says meanwhile that this process lives, whatever the database does."""
    folder = Folder(run)
    url = folder.database()
    log.info("following", url=shown_url(url))
    projector = Projector(folder, url, log)
    worker = threading.Thread(target=projector.serve, daemon=True)
    worker.start()
    life = Life()
    folded, moved_at = 0, clock.stopwatch_ns()
    while worker.is_alive():
        life.check()
        worker.join(LOOK_EVERY_NS / SECOND)
        now = clock.stopwatch_ns()
        if projector.folded > folded or not folder.result.exists():
            folded, moved_at = projector.folded, now
        elif now > moved_at + END_NS:
            log.warning("left behind", folded=projector.folded, remedy="autofutures projections update")
            return
    if not projector.finished:
        raise BrokenInvariant("the thread that follows the journal died; its last words stand above")
    log.info("stopped", folded=projector.folded)


if __name__ == "__main__":
    run_process("projector", body)
