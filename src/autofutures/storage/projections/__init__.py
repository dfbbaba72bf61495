"""Tables for queries, folded from the journal outside the order path; they can always be made anew from it."""
