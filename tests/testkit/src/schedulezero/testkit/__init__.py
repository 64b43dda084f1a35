"""What the tests of the whole share: deployments of real processes, handlers to run, checks of the ledger."""
