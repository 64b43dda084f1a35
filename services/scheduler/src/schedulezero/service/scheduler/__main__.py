"""`schedulezero-scheduler`, `python -m schedulezero.service.scheduler`."""

import sys

from schedulezero.runtime import process
from schedulezero.service.scheduler import assemble


def main() -> int:
    """Be the program, and return its exit code."""
    return process.main("scheduler", assemble, prog="schedulezero-scheduler", description="What decides and records.")


if __name__ == "__main__":
    sys.exit(main())
