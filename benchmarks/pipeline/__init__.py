"""Teacher, search for a student, distillation, comparison with other students, one report."""
