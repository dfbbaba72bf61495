"""The machine's rules over flat memory: the nodes' own arithmetic, compiled together with one strategy.

`state` is the memory, `market` the exchange's side, `book` the trader's orders and its gate, `exits` the plans and
stops that close lots, `loop` the events. The arithmetic itself is not here: it is the functions over integers of
`matching`, `risk`, `orders` and `portfolio`, the same ones that the nodes call.
"""
