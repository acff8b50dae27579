"""Answering and training with torch: a spec in, a result out, in a process of its own. No Django here."""
