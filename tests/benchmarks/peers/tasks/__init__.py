"""The tasks of the peers, a module for each."""
