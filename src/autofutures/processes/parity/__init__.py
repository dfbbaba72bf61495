"""The parity certificate: proves of a day that was traded by the clock that a replay of it decides the same."""
