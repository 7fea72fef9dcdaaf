"""The project's own ground truth: which cells, pairs of runs, the table that grows, its data card."""
