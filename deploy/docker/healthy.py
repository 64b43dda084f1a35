"""The health check of the images, which have no curl: exit code 0 where an address answers 200, else 1.

usage: healthy.py PORT PATH
"""

import http.client
import sys

_PATIENCE_SECONDS = 2


def main(port: str, path: str) -> int:
    """Ask this container at `port` for `path`, say what it answers, and return the exit code."""
    asking = http.client.HTTPConnection("127.0.0.1", int(port), timeout=_PATIENCE_SECONDS)
    try:
        asking.request("GET", path)
        answer = asking.getresponse()
        sys.stdout.write(f"{answer.status} {answer.read(500).decode(errors='replace')}\n")
    except (OSError, http.client.HTTPException) as error:
        sys.stdout.write(f"no answer: {error}\n")
        return 1
    finally:
        asking.close()
    return int(answer.status != http.HTTPStatus.OK)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
