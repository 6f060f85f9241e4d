"""The exercises, a module a lesson, named like it: each holds `EXERCISES`, a tuple of `Exercise`."""
