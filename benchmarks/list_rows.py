"""Fills databases with images for the `list` rows, inside PostgreSQL: a million takes a minute or two.

Owns the content of the rows. Must not measure. Used by list.py and neighbours.py.
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2

SERVER_ROOT = Path(__file__).resolve().parent.parent / "django_server"
IMAGES_PER_BATCH = 100
# Image n was uploaded n seconds after this, 2026-01-01; its id is the MD5 of `image` and n.
EPOCH_SECONDS = 1_767_225_600
# Ninety of a hundred images are uploads; the others, and all failed ones, belong to an archive. A filter by uploads and
# failures finds nothing, which is the hardest case for an index.
ARCHIVE = "archive"

_IMAGES = """
INSERT INTO images_image (
    id, batch_id, collection, name, key, byte_size, media_type, width, height, source_version, original_missing,
    status, version, announced_version, error_code, error_message, attempts, queue_tries,
    thumbs_error_code, uploaded_at, finished_at, changed_at)
SELECT
    made.id, md5('batch' || n / %(per_batch)s)::uuid,
    CASE WHEN n %% 10 = 0 THEN %(archive)s ELSE 'uploads' END,
    'IMG_' || lpad(n::text, 7, '0') || '.jpg',
    'attachments/uploads/originals/' || left(made.id::text, 2) || '/' || substr(made.id::text, 3, 2)
        || '/' || made.id || '.jpg',
    3000000 + n, 'image/jpeg', 4000, 3000, replace(made.id::text || made.id, '-', ''), false,
    CASE WHEN n %% 100 = 50 THEN 'error' ELSE 'completed' END, 3, 3,
    CASE WHEN n %% 100 = 50 THEN 'corrupt_image' ELSE '' END, '', 1, 1,
    '', made.moment, made.moment + interval '2 seconds', made.moment + interval '2 seconds'
FROM generate_series(1, %(images)s) AS n,
    LATERAL (SELECT md5('image' || n)::uuid AS id, timestamptz '2026-01-01Z' + n * interval '1 second' AS moment)
        AS made
"""
_BATCHES = """
INSERT INTO images_batch (id, created_at)
SELECT md5('batch' || n)::uuid, timestamptz '2026-01-01Z' + n * interval '100 seconds'
FROM generate_series(0, %(images)s / %(per_batch)s) AS n
"""
_THUMBNAILS = """
INSERT INTO images_thumbnail (
    image_id, label, key, scale, width, height, byte_size, source_version, recipe, generated_at)
SELECT
    image.id, size.label,
    replace(replace(image.key, '/originals/', '/thumbnails/'), '.jpg', '_' || size.scale || '.jpg'),
    size.scale, size.scale, size.scale * 3 / 4, size.scale * 100, image.source_version, %(recipe)s, image.finished_at
FROM images_image AS image CROSS JOIN unnest(%(labels)s, %(scales)s) WITH ORDINALITY AS size(label, scale, place)
WHERE image.status = 'completed'
"""
# Statements that drop and re-create each constraint, in an order that works for creating.
_CONSTRAINTS = """
SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname),
    format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
FROM pg_constraint
WHERE conrelid IN ('images_image'::regclass, 'images_thumbnail'::regclass) AND contype IN ('p', 'u', 'f')
ORDER BY array_position('{p,u,f}', contype::text)
"""
_INDEXES = """
SELECT format('DROP INDEX %I', indexname), indexdef FROM pg_indexes
WHERE tablename IN ('images_image', 'images_thumbnail')
    AND indexname NOT IN (SELECT conname FROM pg_constraint WHERE contype IN ('p', 'u'))
"""


@dataclass(frozen=True)
class Thumbnails:
    """The thumbnails of each image: label -> scale in pixels, and the recipe of the renderer."""

    scales: dict[str, int]
    recipe: str


def make_database(server_url: str, images: int, thumbnails: Thumbnails) -> str:
    """Create a database with `images` images, and thumbnails for each completed one. Returns its URL."""
    name = f"images_{images}"
    _execute(server_url, f"CREATE DATABASE {name}")
    url = f"{server_url.rpartition('/')[0]}/{name}"
    environment = {**os.environ, "DATABASE_URL": url, "SECRET_KEY": "for benchmarks only"}
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(command, cwd=SERVER_ROOT, env=environment, check=True)
    fill(url, images, thumbnails)
    return url


def fill(url: str, images: int, thumbnails: Thumbnails) -> None:
    """Insert `images` images into an empty, migrated database, and thumbnails for each completed one."""
    values = {
        "images": images,
        "per_batch": IMAGES_PER_BATCH,
        "archive": ARCHIVE,
        "recipe": thumbnails.recipe,
        "labels": list(thumbnails.scales),
        "scales": list(thumbnails.scales.values()),
    }
    # An index or constraint built after the inserts costs a fraction of one that grows row by row.
    constraints, indexes = _rows(url, _CONSTRAINTS), _rows(url, _INDEXES)
    _execute(url, *(drop for drop, _ in reversed(constraints)), *(drop for drop, _ in indexes))
    _execute(url, _BATCHES, _IMAGES, _THUMBNAILS, values=values)
    again = [create for _, create in (*constraints, *indexes)]
    _execute(url, "SET maintenance_work_mem = '512MB'", *again, "VACUUM ANALYZE")


def _rows(url: str, statement: str) -> list[tuple[str, str]]:
    with closing(psycopg2.connect(_dsn(url))) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())


def _execute(url: str, *statements: str, values: dict[str, object] | None = None) -> None:
    with closing(psycopg2.connect(_dsn(url))) as connection:
        connection.autocommit = True  # CREATE DATABASE and VACUUM run outside transactions
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement, values)


def _dsn(url: str) -> str:
    return urlsplit(url)._replace(scheme="postgresql").geturl()
