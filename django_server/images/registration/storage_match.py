"""Check that a manifest describes the configured storage. Pure, except that it reads the settings."""

from pathlib import Path

from django.conf import settings

from pregen.manifest.reader import ManifestHead


class OtherStorage(Exception):
    """The manifest describes another storage. The message names the setting that differs."""


def refuse_other_storage(head: ManifestHead) -> None:
    """Raise OtherStorage if the manifest's keys would not name the same files in the configured storage."""
    if head.storage_type == "s3":
        _require_same("bucket", head.s3_bucket, settings.S3_BUCKET, "S3_BUCKET")
        _require_same("S3 server", (head.s3_endpoint or "").rstrip("/"), settings.S3_ENDPOINT, "S3_ENDPOINT")
    elif settings.S3_BUCKET:
        raise OtherStorage(
            f"The manifest describes the folder {head.local_root}, but this server's files are in the bucket "
            f"{settings.S3_BUCKET}: unset S3_BUCKET, or scan the bucket."
        )
    else:
        root = str(Path(head.local_root or ".").expanduser().resolve())
        _require_same("folder", root, str(settings.MEDIA_ROOT), "MEDIA_ROOT")
    _require_same("prefix", head.s3_prefix, settings.KEY_PREFIX, "KEY_PREFIX")


def _require_same(name: str, in_manifest: str | None, configured: str, setting: str) -> None:
    if (in_manifest or "") != configured:
        configured_text = f"is {configured}" if configured else "is not set"
        raise OtherStorage(
            f"The manifest describes the {name} {in_manifest or '(none)'}, but {setting} {configured_text}: "
            f"set {setting} to the {name} of the manifest."
        )
