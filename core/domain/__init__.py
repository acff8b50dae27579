"""Rules in plain Python: no Django, no torch; clock and randomness are arguments."""
