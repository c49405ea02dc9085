"""What `make bench` measures, each figure as a ratio to a reference of the same run: machines are shared and noisy."""
