"""Students trained from teachers: protocols, the training loop, who teaches, runs that go on where they stopped."""
