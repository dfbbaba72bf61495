"""What people and machines see of the machine at work."""
