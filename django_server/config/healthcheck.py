"""`python -m config.healthcheck URL`: exit code 0 when a server answers there. The health check of web and live.

Any answer below 500 will do: a site that knows only its own name refuses this one's with a 400.
"""

import sys
import urllib.error
import urllib.request

_SECONDS = 4


def answers(url: str) -> bool:
    """Whether something answers at `url` within four seconds, and not with a failure of its own."""
    # No proxy of the environment: this asks the own machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=_SECONDS):
            return True
    except urllib.error.HTTPError as error:
        return error.code < 500
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(0 if answers(sys.argv[1]) else 1)
