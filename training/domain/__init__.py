"""Decisions of a round as plain functions: the gate and its plan, the order of stages."""
