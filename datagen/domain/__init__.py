"""Decisions of data generation as plain functions: mixtures, slots, quality control."""
