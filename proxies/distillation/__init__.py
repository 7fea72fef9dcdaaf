"""Distillation: what a student and its teacher have in common, as losses to train with and as scores without training.

One file a distiller; `losses` is the public door: every loss by name, with what it needs and where it comes from.
"""
