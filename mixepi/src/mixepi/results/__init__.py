"""What the results of all methods have in common."""
