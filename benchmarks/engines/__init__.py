"""What does the work: devices, worker processes, their progress, and what a number says of the machine it is from."""
