"""An exchange: what happens to an order when it gets there, over integers, so that the rules can be compiled."""
