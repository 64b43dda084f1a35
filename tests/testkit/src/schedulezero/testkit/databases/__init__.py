"""Databases for tests: servers of the tests' own, and what comes between them and a scheduler."""
