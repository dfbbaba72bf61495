"""Lets `python -m autofutures.cli` be the command `autofutures`."""

from autofutures.cli import main

if __name__ == "__main__":
    main()
