"""Prints how long a fresh process took to its first result, its imports included: `kernel_cost` starts it, and asks."""

import sys

from autofutures import clock
from autofutures.domain.units import SECOND


def main() -> None:
    """Runs `ema_cross` over a short market on the compiled kernel."""
    started = clock.stopwatch_ns()
    from autofutures.backtest.kernel_cost import first_result  # noqa: PLC0415 - it is part of what is measured

    first_result()
    sys.stdout.write(f"{(clock.stopwatch_ns() - started) / SECOND:.3f}")


if __name__ == "__main__":
    main()
