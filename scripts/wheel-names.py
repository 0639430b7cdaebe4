"""Print the SHA-256 and the name of each wheel of a pylock.toml from standard input, in the format of `sha256sum`.

Only the wheels of the platforms that tests/unit/dependencies/test_wheels.py checks. Called by `make lock`, because a
requirements file has the hashes of the wheels but not their names.
"""

import re
import sys
import tomllib
from urllib.parse import unquote

CHECKED = re.compile(r"-(any|manylinux[^-]+_(x86_64|aarch64)|macosx[^-]+_(arm64|universal2))[^-]*\.whl$")

lock = tomllib.loads(sys.stdin.read())
for package in lock["packages"]:
    for wheel in package.get("wheels", ()):
        name = unquote(wheel["url"].rpartition("/")[2])
        if CHECKED.search(name):
            print(f"{wheel['hashes']['sha256']}  {name}")
