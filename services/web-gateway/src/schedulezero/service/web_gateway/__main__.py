"""`schedulezero-web`, `python -m schedulezero.service.web_gateway`."""

import sys

from schedulezero.runtime import process
from schedulezero.service.web_gateway import assemble


def main() -> int:
    """Be the program, and return its exit code."""
    return process.main("web", assemble, prog="schedulezero-web", description="The REST API and the pages.")


if __name__ == "__main__":
    sys.exit(main())
