"""`manage.py reconcile` walks thumbnails by key. SQLite compares bytes, and had no index of them; PostgreSQL has its own.

Out of the models' state, as those of 0004 are.
"""

from django.db import migrations


def create(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        schema_editor.execute("CREATE INDEX IF NOT EXISTS thumbnail_key_bytes ON images_thumbnail (key)")


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        schema_editor.execute("DROP INDEX IF EXISTS thumbnail_key_bytes")


class Migration(migrations.Migration):
    dependencies = [
        ("images", "0004_byte_order_and_part_of_name"),
    ]

    operations = [migrations.RunPython(create, drop)]
