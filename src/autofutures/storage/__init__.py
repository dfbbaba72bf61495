"""What must not be lost: the trader's journal, and the migrations of its file."""
