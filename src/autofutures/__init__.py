"""A machine that trades futures by itself: start at domain/messages.py, then trader.py, then engine.py."""
