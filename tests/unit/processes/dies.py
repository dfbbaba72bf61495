"""A process of a machine that dies as soon as it has started, and says when; or one that lives for a second."""

import argparse
import sys

from autofutures import clock
from autofutures.domain.units import SECOND


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--run")
    parser.add_argument("--pulse")
    parser.add_argument("--lives", type=float, default=0)
    lives = parser.parse_args().lives
    if lives:
        clock.sleep_ns(round(lives * SECOND))
        return
    sys.stderr.write(f"died at {clock.now_ns()}\n")
    sys.exit(1)


if __name__ == "__main__":
    main()
