"""``make demo``: one whole round, driven through the same doors as any user's: REST, files, endpoints."""
