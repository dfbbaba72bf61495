"""From fills to positions and money: ledgers by strategy over the netted account, costs, profit and loss."""
