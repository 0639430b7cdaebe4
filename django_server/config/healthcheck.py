"""`python -m config.healthcheck URL`: exit code 0 if a server responds at URL with a status below 500.

The containers `web` and `live` use it as their health check. Status 400 is healthy too: with ALLOWED_HOSTS set, a site
rejects the host name of this request.
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
