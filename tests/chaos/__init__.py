"""Real processes under faults: killed, stopped, with a clock that is stepped, on a disk that is full."""
