"""`python -m config.healthcheck URL`: exit code 0 when a server responds there. The health check of web and live.

Any status below 500 counts: with ALLOWED_HOSTS set, a site refuses the host name of this request with 400.
"""

import sys
import urllib.error
import urllib.request

_SECONDS = 4


def responds(url: str) -> bool:
    """Whether `url` returns a status below 500 within four seconds."""
    # No proxy from the environment: the request goes to this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=_SECONDS):
            return True
    except urllib.error.HTTPError as error:
        return error.code < 500
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(0 if responds(sys.argv[1]) else 1)
