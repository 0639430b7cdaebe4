"""How settings are read from the environment, or from files that it names. Used by `settings` alone."""

import environ

# Each variable may also come from a file: NAME_FILE names it, and then counts rather than NAME.
env = environ.FileAwareEnv()


def secret(name: str) -> str:
    """A secret to the letter; empty where there is none. To `env`, a value that begins with $ is another one's name.

    The line's end that an editor leaves in a file is no part of it.
    """
    return str(env.ENVIRON.get(name, "")).rstrip("\r\n")
