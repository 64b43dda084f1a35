"""Measurements of ScheduleZero, beside its peers: `make bench`."""
