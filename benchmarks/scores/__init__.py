"""Scores that are there: look at them, carry them to other machines and formats, compare, verify, release."""
