"""Track: the life of every order, its ids, and the exit plans that the trader keeps for what is open."""
