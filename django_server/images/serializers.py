"""The JSON of images, for HTTP responses and WebSocket events. No other module turns rows into JSON.

Takes the values of rows, which `images.queries` reads, and sends no query. Only the storage is asked, for URLs.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import blake2s
from typing import Any
from urllib.parse import quote
from uuid import UUID

from django.conf import settings

from images.models import FINAL_STATUSES, Status
from images.row_values import ImageValues, ThumbnailsByLabel, ThumbnailValues
from images.storage import storage
from images.thumbnail_rules import is_valid, largest_label, sizes

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Addresses:
    """Builds the URLs of one response. `sizes` maps each label to its scale in pixels.

    Create it once per response. Settings and storage are lazy objects: reading them for each image instead would take
    3 ms for a page of 100 images.
    """

    sizes: Mapping[str, int]
    largest_label: str | None
    storage_url: Callable[[str], str]
    signs_urls: bool
    public_url: str

    @classmethod
    def now(cls) -> "Addresses":
        """An instance with the current settings."""
        store = storage()
        return cls(sizes(), largest_label(), store.url, store.signs_urls, settings.PUBLIC_URL)

    def stored(self, key: str, version: str) -> str:
        """The URL of a stored file, which nginx or S3 serves without the app."""
        url = self.storage_url(key)
        if self.signs_urls:
            return url
        # An unsigned URL contains a digest of the version, so that clients may cache the file for a year.
        site = self.public_url if url.startswith("/") else ""
        return f"{site}{url}?v={_digest(version)}"

    def thumbnail(self, thumbnail: ThumbnailValues) -> str:
        """The URL of a stored thumbnail."""
        return self.stored(thumbnail["key"], thumbnail["source_version"] + thumbnail["recipe"])

    def thumbnails(self, image: ImageValues, thumbnails: ThumbnailsByLabel) -> dict[str, str] | None:
        """label -> URL for every configured size; None if the image is not completed.

        The URL of a valid thumbnail is that of its file. For a missing or stale thumbnail it is the on-demand URL
        `/api/thumbnails/{id}`.
        """
        if image["status"] != Status.COMPLETED:
            return None
        urls = {}
        for label, scale_px in self.sizes.items():
            thumbnail = thumbnails.get(label)
            if thumbnail is not None and is_valid(thumbnail, scale_px, image["source_version"]):
                urls[label] = self.thumbnail(thumbnail)
            else:
                urls[label] = f"{self.public_url}/api/thumbnails/{image['id']}?label={quote(label)}"
        return urls

    def picture(self, urls: dict[str, str] | None) -> str | None:
        """The URL of the field `image`: the largest thumbnail."""
        return urls[self.largest_label] if urls and self.largest_label else None


def image_json(image: ImageValues, thumbnails: ThumbnailsByLabel, at: Addresses | None = None) -> Json:
    """The object Image of the API, with an on-demand URL for each thumbnail that is not among `thumbnails`.

    Pass the same `at` for all images of a response.
    """
    at = at or Addresses.now()
    urls = at.thumbnails(image, thumbnails)
    id_ = str(image["id"])
    return {
        "id": id_,
        "job_id": id_,
        "version": image["version"],
        "batch_id": _text(image["batch_id"]),
        "collection": image["collection"],
        "name": image["name"],
        "size": image["byte_size"],
        "type": image["media_type"],
        "width": image["width"],
        "height": image["height"],
        "status": image["status"],
        "final": image["status"] in FINAL_STATUSES,
        "error": _error(image),
        "uploaded_at": time_json(image["uploaded_at"]),
        "finished_at": time_json(image["finished_at"]),
        "image": at.picture(urls),
        "original": at.stored(image["key"], image["source_version"]),
        "thumbnails": urls,
    }


def notification_json(image: ImageValues, thumbnails: ThumbnailsByLabel, at: Addresses | None = None) -> Json:
    """The WebSocket message `send_upload_notification`."""
    at = at or Addresses.now()
    urls = at.thumbnails(image, thumbnails)
    return {
        "type": "send_upload_notification",
        "job_id": str(image["id"]),
        "version": image["version"],
        "status": image["status"],
        "batch_id": _text(image["batch_id"]),
        "cursor": change_cursor(image["changed_at"]),
        "name": image["name"],
        "size": image["byte_size"],
        "width": image["width"],
        "height": image["height"],
        "image": at.picture(urls),
        "thumbnails": urls,
        "error": _error(image),
        "finished_at": time_json(image["finished_at"]),
        "message": f"Image {image['name']} {_STATUS_PHRASES[Status(image['status'])]}.",
    }


def removed_json(image_id: UUID, version: int) -> Json:
    """The WebSocket message `removed`."""
    return {"type": "removed", "job_id": str(image_id), "version": version}


_STATUS_PHRASES = {
    Status.PENDING: "is waiting",
    Status.PROCESSING: "is being processed",
    Status.COMPLETED: "processed",
    Status.ERROR: "could not be processed",
    Status.ABORTED: "was aborted",
}


def change_cursor(moment: datetime) -> str:
    """A position in the stream of changes, opaque to clients: microseconds since the epoch."""
    return str(round(moment.timestamp() * 1_000_000))


def time_json(moment: datetime | None) -> str | None:
    """The time in ISO 8601 format, in UTC with milliseconds and `Z`."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def site_url(path: str) -> str:
    """The URL of `path` for clients: relative to the site, or absolute if PUBLIC_URL is set."""
    return f"{settings.PUBLIC_URL}{path}"


def thumbnail_url(thumbnail: ThumbnailValues) -> str:
    """The URL of a stored thumbnail, with the current settings."""
    return Addresses.now().thumbnail(thumbnail)


@lru_cache(maxsize=4096)  # all thumbnails of an image have the same version
def _digest(version: str) -> str:
    return blake2s(version.encode(), digest_size=6).hexdigest()


def _error(image: ImageValues) -> Json | None:
    if not image["error_code"]:
        return None
    return {"code": image["error_code"], "message": image["error_message"]}


def _text(value: UUID | None) -> str | None:
    return None if value is None else str(value)
