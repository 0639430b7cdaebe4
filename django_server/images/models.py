"""The database models: images, their batches and thumbnails, deleted images, and idempotent requests.

If the database and the queue disagree, the database is right. Only `images.processing` writes `status`, `version`,
`claim` and `lease_until` of an existing image. Only `images.thumbnails` writes the columns `thumbs_...`. PostgreSQL
also has a view `images` (migration 0006).
"""

import uuid

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone


class Status(models.TextChoices):
    """pending -> processing -> completed | error; aborted from pending or processing."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    ERROR = "error"
    ABORTED = "aborted"


FINAL_STATUSES = frozenset({Status.COMPLETED, Status.ERROR, Status.ABORTED})


class Batch(models.Model):
    """Files uploaded together: by one multi-file request, or by several that name the same batch id."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # Set by Python's clock, because cursors compare microseconds and SQLite's clock has only milliseconds.
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name_plural = "batches"
        indexes = [models.Index(fields=["-created_at", "-id"], name="batch_newest")]

    def __str__(self) -> str:
        return str(self.id)


class Image(models.Model):
    """One accepted image and the state of its job, which has the same id."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    batch = models.ForeignKey(Batch, models.CASCADE, null=True, related_name="images", db_index=False)
    collection = models.CharField(max_length=255)
    name = models.CharField(max_length=255, help_text="The client's name of the file: data, never a path.")
    key = models.CharField(max_length=1024, unique=True, help_text="The storage key of the original.")
    byte_size = models.BigIntegerField()
    media_type = models.CharField(
        max_length=64, help_text="Detected from the content, not the client's claim."
    )
    width = models.PositiveIntegerField(null=True, help_text="Pixels, upright.")
    height = models.PositiveIntegerField(null=True, help_text="Pixels, upright.")
    source_version = models.CharField(
        max_length=128,
        help_text="Identifies the bytes: sha256 in hex for uploads, size and time or etag for archives.",
    )
    original_missing = models.BooleanField(default=False, help_text="The original was not found in storage.")

    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    version = models.PositiveBigIntegerField(default=1, help_text="Incremented with each change.")
    announced_version = models.PositiveBigIntegerField(
        default=0, help_text="The last version that was published as an event."
    )
    error_code = models.CharField(max_length=40, blank=True, default="")
    error_message = models.CharField(max_length=300, blank=True, default="")

    claim = models.UUIDField(null=True, help_text="The task delivery that processes the image now.")
    lease_until = models.DateTimeField(null=True, help_text="When the claim expires unless it is renewed.")
    attempts = models.PositiveSmallIntegerField(default=0)
    queued_at = models.DateTimeField(null=True, help_text="When its id was last queued.")
    queue_tries = models.PositiveSmallIntegerField(default=0)

    thumbs_claim = models.UUIDField(null=True, help_text="The claim on generating its missing thumbnails.")
    thumbs_lease_until = models.DateTimeField(null=True, help_text="When that claim expires.")
    thumbs_error_code = models.CharField(max_length=40, blank=True, default="")
    thumbs_error_until = models.DateTimeField(null=True, help_text="Until when the error is not retried.")

    uploaded_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    changed_at = models.DateTimeField(db_default=Now(), help_text="When `version` was last incremented.")

    class Meta:
        indexes = [
            models.Index(fields=["-uploaded_at", "-id"], name="image_newest"),
            models.Index(fields=["collection", "-uploaded_at", "-id"], name="image_collection_newest"),
            models.Index(fields=["status", "-uploaded_at", "-id"], name="image_status_newest"),
            # For a list filtered by both: without it, finding few or old failed images among a million would be slow.
            models.Index(
                fields=["collection", "status", "-uploaded_at", "-id"], name="image_collection_status"
            ),
            models.Index(fields=["batch", "-uploaded_at", "-id"], name="image_batch_newest"),
            models.Index(fields=["changed_at", "id"], name="image_changed"),
            models.Index(fields=["queued_at"], name="image_waiting", condition=Q(status=Status.PENDING)),
            models.Index(fields=["lease_until"], name="image_leased", condition=Q(status=Status.PROCESSING)),
            models.Index(
                fields=["changed_at"],
                name="image_unannounced",
                condition=Q(version__gt=F("announced_version")),
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=Status.values), name="image_status_known"),
            models.CheckConstraint(
                condition=Q(status=Status.PROCESSING, claim__isnull=False, lease_until__isnull=False)
                | (~Q(status=Status.PROCESSING) & Q(claim__isnull=True, lease_until__isnull=True)),
                name="image_claimed_while_processing",
            ),
            models.CheckConstraint(
                condition=Q(status__in=FINAL_STATUSES, finished_at__isnull=False)
                | (~Q(status__in=FINAL_STATUSES) & Q(finished_at__isnull=True)),
                name="image_finished_when_final",
            ),
            models.CheckConstraint(
                condition=(Q(status=Status.ERROR) & ~Q(error_code=""))
                | (~Q(status=Status.ERROR) & Q(error_code="")),
                name="image_error_has_code",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Thumbnail(models.Model):
    """One rendered size of an image. `scale` is the requested longest edge, width and height the actual pixels."""

    image = models.ForeignKey(Image, models.CASCADE, related_name="thumbnails", db_index=False)
    label = models.CharField(max_length=40)
    key = models.CharField(max_length=1024)
    scale = models.PositiveIntegerField(help_text="Requested pixels of the longest edge.")
    width = models.PositiveIntegerField(null=True, help_text="Unknown for thumbnails of other programs.")
    height = models.PositiveIntegerField(null=True, help_text="Unknown for thumbnails of other programs.")
    byte_size = models.PositiveIntegerField()
    source_version = models.CharField(
        max_length=128, blank=True, help_text="Of the original it was rendered from."
    )
    recipe = models.CharField(
        max_length=100, blank=True, help_text="Version of the renderer's rules; empty if unknown."
    )
    generated_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["image", "label"], name="thumbnail_once_per_label")]

    def __str__(self) -> str:
        return f"{self.label} of {self.image_id}"


class RemovedImage(models.Model):
    """A deleted image. The row is kept for a day, so that clients that reconnect get the event.

    The sweeper publishes the event and deletes the files if the deleting process crashed.
    """

    image_id = models.UUIDField(primary_key=True)
    batch_id = models.UUIDField(null=True)
    version = models.PositiveBigIntegerField()
    announced = models.BooleanField(default=False)
    keys = models.JSONField(default=list, help_text="Keys of the files to delete; empty for archives.")
    files_deleted = models.BooleanField(default=False)
    removed_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [
            models.Index(fields=["removed_at"], name="removed_when"),
            models.Index(fields=["batch_id"], name="removed_batch"),
            models.Index(fields=["removed_at"], name="removed_unannounced", condition=Q(announced=False)),
            models.Index(fields=["removed_at"], name="removed_undeleted", condition=Q(files_deleted=False)),
        ]

    def __str__(self) -> str:
        return str(self.image_id)


class IdempotentRequest(models.Model):
    """An upload with an Idempotency-Key: the request that processes it, the lease of that request, and its response.

    Only `images.uploads.idempotency` writes it. The upload is in progress until `answer_status` is set.
    """

    key = models.CharField(max_length=200, help_text="As the client sent it.")
    endpoint = models.CharField(max_length=40)
    files_digest = models.CharField(
        max_length=64, help_text="Names, bytes and order of the files: sha256 in hex."
    )
    holder = models.UUIDField(help_text="The request that processes the upload now.")
    lease_until = models.DateTimeField(help_text="When a repeated request may take over.")
    image_id = models.UUIDField(null=True, help_text="The image written before the response, if any.")
    answer_status = models.PositiveSmallIntegerField(null=True)
    answer_body = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["created_at"], name="idempotent_request_when")]
        constraints = [
            models.UniqueConstraint(fields=["key", "endpoint"], name="idempotent_request_once"),
        ]

    def __str__(self) -> str:
        return self.key
