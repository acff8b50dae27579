"""What every app shares: jobs, campaigns, roles, endpoints, the ledger, media, errors."""
