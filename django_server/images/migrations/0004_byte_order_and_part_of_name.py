"""Indexes that are others on each database, and so out of the models' state, which is one for both.

`manage.py reconcile` walks keys in the byte order of a storage's listing: SQLite's own order, and on PostgreSQL that
of the collation "C". Parts of names are found by trigrams, which PostgreSQL alone has.
"""

from django.db import ProgrammingError, migrations, transaction

_CREATE = [
    'CREATE INDEX IF NOT EXISTS image_key_bytes ON images_image (key COLLATE "C")',
    'CREATE INDEX IF NOT EXISTS thumbnail_key_bytes ON images_thumbnail (key COLLATE "C")',
]
# `q` of the list: Django asks for UPPER(name) LIKE UPPER('%part%').
_CREATE_TRIGRAMS = [
    "CREATE EXTENSION IF NOT EXISTS pg_trgm",
    "CREATE INDEX IF NOT EXISTS image_name_part ON images_image USING gin (UPPER(name) gin_trgm_ops)",
]
_DROP = [
    "DROP INDEX IF EXISTS image_key_bytes",
    "DROP INDEX IF EXISTS thumbnail_key_bytes",
    "DROP INDEX IF EXISTS image_name_part",
]


def create(apps, schema_editor):
    if schema_editor.connection.vendor != "postgresql":
        # The keys of images are unique, and so have an index in that order already.
        schema_editor.execute("CREATE INDEX IF NOT EXISTS thumbnail_key_bytes ON images_thumbnail (key)")
        return
    with schema_editor.connection.cursor() as cursor:
        # An installation without the contributed extensions searches names without an index.
        cursor.execute("SELECT count(*) FROM pg_available_extensions WHERE name = 'pg_trgm'")
        (trigrams,) = cursor.fetchone()
        for statement in _CREATE:
            cursor.execute(statement)
        if trigrams:
            try:
                with transaction.atomic(using=schema_editor.connection.alias):
                    for statement in _CREATE_TRIGRAMS:
                        cursor.execute(statement)
            except ProgrammingError:
                # The account may not create it, which costs time in searches and nothing else.
                print(" (pg_trgm could not be created: searches by name go without an index)", end="")


def drop(apps, schema_editor):
    for statement in _DROP:
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [
        ("images", "0003_archives_and_cold_thumbnails"),
    ]

    operations = [migrations.RunPython(create, drop)]
