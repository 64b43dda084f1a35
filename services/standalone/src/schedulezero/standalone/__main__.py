"""`schedulezero`, `python -m schedulezero.standalone`."""

import sys

from schedulezero.runtime.program import ending_well


def main() -> int:
    """Be the program, and return its exit code."""
    with ending_well():
        # Late, so that a signal ends the process well while this is being read.
        from schedulezero.standalone.commands import run

        return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
