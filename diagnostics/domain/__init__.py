"""Decisions of the diagnosis as plain functions: intervals, verdicts, e-processes, splits, paired differences."""
