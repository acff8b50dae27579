"""The mini world: small procedural pictures whose questions and answers are known."""
