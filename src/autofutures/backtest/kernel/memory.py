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
    """Lets the strategy hear an event: a hook is a function here, and a pointer to one in compiled code."""
    hook(strategy, event, state)
