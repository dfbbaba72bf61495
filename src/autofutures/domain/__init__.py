"""The words: units, instruments, messages, the life of an order, errors. Everything else speaks in them."""
