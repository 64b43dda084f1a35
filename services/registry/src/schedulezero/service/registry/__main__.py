"""`schedulezero-registry`, `python -m schedulezero.service.registry`."""

import sys

from schedulezero.runtime import process
from schedulezero.service.registry import assemble


def main() -> int:
    """Be the program, and return its exit code."""
    return process.main("registry", assemble, prog="schedulezero-registry", description="The directory of handlers.")


if __name__ == "__main__":
    sys.exit(main())
