"""What is known of a market on one tick: sessions, price limits, bars, indicators, the last price."""
