"""What readers see of the results."""
