"""How the kernel reaches its memory. Interpreted, these are Python; compiled, `compile` gives each an address.

A column or table is a NumPy array here, and an address in compiled code.
"""


def column(values, index):
    """One number of a column of 64-bit integers."""
    return int(values[index])


def small(values, index):
    """One number of a column of bytes."""
    return int(values[index])


def session_row(table, index):
    """One row of the sessions."""
    return table[index]


def band_row(table, index):
    """One row of the price limits."""
    return table[index]


def terms_row(table, index):
    """One row of the declared exit plans."""
    return table[index]


def order_row(table, index):
    """One row of what the run says of its orders."""
    return table[index]


def fill_row(table, index):
    """One row of what the run says of its fills."""
    return table[index]


def refusal_row(table, index):
    """One row of what the run says of its refusals."""
    return table[index]


def point_row(table, index):
    """One row of the equity curve."""
    return table[index]


def placed_row(table, index):
    """One row of the orders that the strategy may name."""
    return table[index]


def call(hook, strategy, event, state):
    """Lets the strategy hear an event: a hook is a function here, and a pointer to one in compiled code, or 0."""
    hook(strategy, event, state)


def tick_event(F, S):  # noqa: ARG001 - compiled, it depends on whose hooks they are
    """Where a trade that the strategy hears is written down."""
    return S.tick[0]


def bar_event(F, S):  # noqa: ARG001
    """Where a bar that the strategy hears is written down."""
    return S.bar[0]


def borrow(F):
    """The strategy's fields, in hand until `give_back`: in its own `loop.glide` a copy, for registers to hold."""
    return F.strategy


def give_back(F, own):
    """What `borrow` gave is up to date where everybody finds it."""


def pass_over(F, S, X, at, kind, leg, a, b, c, number, count):
    """`loop.glide`, as it is compiled for the strategy."""
    return F.glide(F, S, X, at, kind, leg, a, b, c, number, count)
