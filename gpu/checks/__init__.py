"""What is looked at before a training run: one module a subject, one line of the table a question."""
