"""What ``fermata load`` sends and what it says."""
