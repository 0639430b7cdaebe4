"""The view `images`, so that `DELETE FROM images` in psql deletes images as `manage.py delete` does. PostgreSQL only.

For each row the trigger writes the note of the deletion (`images_removedimage`) with the keys of its files, as
`images.processing.transitions.remove` does, and deletes the thumbnails, the image and a batch that is left empty. The
sweeper then publishes the deletion and deletes the files. A plain DELETE on `images_image` is refused by the foreign
key of its thumbnails, and would leave the files.

- The database does not know the settings. An image is an upload if its key ends as `filestore.keys.upload_key` builds
  it from the image's own id, whatever KEY_PREFIX was then. An archive's image never does, since its id is derived from
  its key: its files are not deleted.
- The thumbnail sizes are settings too. Keys of thumbnails that have no row (a worker crashed between files and rows)
  are therefore not in the note; `manage.py reconcile`, which runs every night, deletes those files.
- The view is ordered by id, because every statement of the app locks images in that order: no deadlock with workers.
- A migration that changes the type of a column shown here, or drops it, drops the view first and creates it again.

SQLite has such triggers, but Django changes a table there by building a new one and renaming it, and SQLite refuses to
rename a table that a view refers to: every later migration of these tables would have to drop the view.
"""

from django.db import migrations

_VIEW = """
CREATE VIEW images AS
SELECT id, batch_id, collection, name, status, error_code, error_message, media_type, byte_size, width, height, key,
       uploaded_at, finished_at
FROM images_image
ORDER BY id
"""

_FUNCTION = """
CREATE FUNCTION images_delete_image() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    deleted images_image%ROWTYPE;
    file_keys jsonb := '[]';
BEGIN
    SELECT * INTO deleted FROM images_image WHERE id = OLD.id FOR UPDATE;
    IF NOT FOUND THEN
        RETURN NULL;  -- deleted by another transaction in the meantime: not counted
    END IF;
    IF deleted.key LIKE '%/originals/' || substr(OLD.id::text, 1, 2) || '/' || substr(OLD.id::text, 3, 2)
                        || '/' || OLD.id || '.%' THEN
        SELECT jsonb_agg(DISTINCT file_key) INTO file_keys
        FROM (
            SELECT deleted.key AS file_key
            UNION ALL
            SELECT key FROM images_thumbnail WHERE image_id = OLD.id AND key <> ''
        ) AS files;
    END IF;
    -- An archive's image that was registered again after a deletion has the same id, and so may have a note already.
    INSERT INTO images_removedimage (image_id, batch_id, version, announced, keys, files_deleted, removed_at)
    VALUES (OLD.id, deleted.batch_id, deleted.version + 1, false, file_keys, false, statement_timestamp())
    ON CONFLICT (image_id) DO UPDATE
    SET batch_id = excluded.batch_id, version = excluded.version, announced = false, keys = excluded.keys,
        files_deleted = false, removed_at = excluded.removed_at;
    DELETE FROM images_thumbnail WHERE image_id = OLD.id;
    DELETE FROM images_image WHERE id = OLD.id;
    IF deleted.batch_id IS NOT NULL
       AND NOT EXISTS (SELECT FROM images_image WHERE batch_id = deleted.batch_id) THEN
        -- A batch that an upload is adding to at this moment is locked by it, and stays.
        PERFORM FROM images_batch WHERE id = deleted.batch_id FOR UPDATE SKIP LOCKED;
        IF FOUND THEN
            DELETE FROM images_batch
            WHERE id = deleted.batch_id
              AND NOT EXISTS (SELECT FROM images_image WHERE batch_id = deleted.batch_id);
        END IF;
    END IF;
    RETURN OLD;
END
$$
"""

_TRIGGER = """
CREATE TRIGGER images_delete INSTEAD OF DELETE ON images FOR EACH ROW EXECUTE FUNCTION images_delete_image()
"""

_DROP = ["DROP VIEW IF EXISTS images", "DROP FUNCTION IF EXISTS images_delete_image()"]


def _on_postgresql(*statements):
    def run(apps, schema_editor):
        if schema_editor.connection.vendor == "postgresql":
            for statement in statements:
                # Without parameters, so that `%` in the text stays as it is.
                schema_editor.execute(statement, params=None)

    return run


class Migration(migrations.Migration):
    dependencies = [
        ("images", "0005_list_by_collection_and_status"),
    ]

    operations = [
        migrations.RunPython(_on_postgresql(_VIEW, _FUNCTION, _TRIGGER), _on_postgresql(*_DROP)),
    ]
