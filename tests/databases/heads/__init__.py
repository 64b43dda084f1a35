"""Databases as each version of the schema left them, as SQL, for each kind of database.

A step that is added to the migrations makes a new head. Keep a database of it, once and for ever:

    uv run python -m tests.databases.heads
"""
