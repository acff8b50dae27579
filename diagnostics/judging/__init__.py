"""Judges by endpoint: what they are asked, what they may answer, who settles a disagreement."""
