"""The sentence for operators about a database error, in place of a traceback. Called by commands."""

# PostgreSQL's codes for a table and for a column that does not exist.
_UNDEFINED = ("42P01", "42703")
_UNDEFINED_IN_SQLITE = ("no such table", "no such column")


def database_sentence(error: Exception) -> str:
    """What is wrong with the database, and what to do, in one line."""
    text = " ".join(str(error).split())
    if getattr(error.__cause__, "pgcode", None) in _UNDEFINED or text.startswith(_UNDEFINED_IN_SQLITE):
        return (
            "The database does not have the tables of this version: start the site once with `make run`, "
            "or run `manage.py migrate`."
        )
    return f"Database error: {text}"
