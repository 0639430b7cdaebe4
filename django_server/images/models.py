"""What the database keeps: images, the batches they came in, their thumbnails, the ids of those removed, and the
answers to uploads that may come a second time.

The row is the truth. `status`, `version` and the columns of the claim are written by `images.processing` alone, those
that begin with `thumbs_` by `images.thumbnails` alone.
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
    """One drop of files: made by a multi-file request, or by the client that names its id in several."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # By Python's clock: SQLite's has milliseconds, which would not compare with a cursor's microseconds.
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name_plural = "batches"
        indexes = [models.Index(fields=["-created_at", "-id"], name="batch_newest")]

    def __str__(self) -> str:
        return str(self.id)


class Image(models.Model):
    """One accepted image and the state of its processing, which is the job of the same id."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    batch = models.ForeignKey(Batch, models.CASCADE, null=True, related_name="images", db_index=False)
    collection = models.CharField(max_length=255)
    name = models.CharField(max_length=255, help_text="What the client called the file: data, never a path.")
    key = models.CharField(max_length=1024, unique=True, help_text="Where the original is stored.")
    byte_size = models.BigIntegerField()
    media_type = models.CharField(max_length=64, help_text="By content, never by what the client said.")
    width = models.PositiveIntegerField(null=True, help_text="Pixels, upright.")
    height = models.PositiveIntegerField(null=True, help_text="Pixels, upright.")
    source_version = models.CharField(
        max_length=128,
        help_text="Names the bytes: sha256 in hex for uploads, size and time or etag for archives.",
    )
    original_missing = models.BooleanField(default=False, help_text="Its file was looked for and not found.")

    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    version = models.PositiveBigIntegerField(default=1, help_text="Raised by one with each change.")
    announced_version = models.PositiveBigIntegerField(default=0, help_text="The last one told to listeners.")
    error_code = models.CharField(max_length=40, blank=True, default="")
    error_message = models.CharField(max_length=300, blank=True, default="")

    claim = models.UUIDField(null=True, help_text="The delivery that is working on it now.")
    lease_until = models.DateTimeField(null=True, help_text="When that claim ends if it is not renewed.")
    attempts = models.PositiveSmallIntegerField(default=0)
    queued_at = models.DateTimeField(null=True, help_text="When its id was last put into the queue.")
    queue_tries = models.PositiveSmallIntegerField(default=0)

    thumbs_claim = models.UUIDField(null=True, help_text="Who makes its missing thumbnails now.")
    thumbs_lease_until = models.DateTimeField(null=True, help_text="When that ends if nothing came of it.")
    thumbs_error_code = models.CharField(max_length=40, blank=True, default="")
    thumbs_error_until = models.DateTimeField(null=True, help_text="Until when that failure is remembered.")

    uploaded_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    changed_at = models.DateTimeField(db_default=Now(), help_text="When `version` was last raised.")

    class Meta:
        indexes = [
            models.Index(fields=["-uploaded_at", "-id"], name="image_newest"),
            models.Index(fields=["collection", "-uploaded_at", "-id"], name="image_collection_newest"),
            models.Index(fields=["status", "-uploaded_at", "-id"], name="image_status_newest"),
            # Both filters at once: of a collection of a million, the failed ones may be none, or all very old.
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
    """One rendered size of an image. `scale` is what was asked; width and height are what came out."""

    image = models.ForeignKey(Image, models.CASCADE, related_name="thumbnails", db_index=False)
    label = models.CharField(max_length=40)
    key = models.CharField(max_length=1024)
    scale = models.PositiveIntegerField(help_text="Pixels asked for along the longest edge.")
    width = models.PositiveIntegerField(null=True, help_text="Unknown where somebody else made it.")
    height = models.PositiveIntegerField(null=True, help_text="Unknown where somebody else made it.")
    byte_size = models.PositiveIntegerField()
    source_version = models.CharField(max_length=128, blank=True, help_text="Of the bytes it was made from.")
    recipe = models.CharField(
        max_length=100, blank=True, help_text="The renderer's rules; empty where unknown."
    )
    generated_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["image", "label"], name="thumbnail_once_per_label")]

    def __str__(self) -> str:
        return f"{self.label} of {self.image_id}"


class RemovedImage(models.Model):
    """What is left of a deleted image for a day, so that its removal is told even to who was away.

    And so that its files go, whatever became of the process that removed it.
    """

    image_id = models.UUIDField(primary_key=True)
    batch_id = models.UUIDField(null=True)
    version = models.PositiveBigIntegerField()
    announced = models.BooleanField(default=False)
    keys = models.JSONField(default=list, help_text="Where its files were: of ours only, never an archive's.")
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
    """An upload that carried an Idempotency-Key: who works on it and until when, and what it was answered.

    Written by `images.uploads.idempotency` alone. Without an answer it is under way.
    """

    key = models.CharField(max_length=200, help_text="As the client sent it.")
    endpoint = models.CharField(max_length=40)
    files_digest = models.CharField(
        max_length=64, help_text="Names, bytes and order of the files: sha256 in hex."
    )
    holder = models.UUIDField(help_text="The request that works on it now.")
    lease_until = models.DateTimeField(help_text="When a repeat may take it over.")
    image_id = models.UUIDField(null=True, help_text="The row that is written before the answer, if one is.")
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
