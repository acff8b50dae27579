"""What the model cannot do, and how sure that is."""
