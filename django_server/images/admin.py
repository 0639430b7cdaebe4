"""The Django admin of images, batches and thumbnails: read-only, with the actions delete, retry and abort.

A status is never edited by hand: only `images.processing` writes it.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from images.deletion import delete_images
from images.models import Batch, Image, Thumbnail
from images.processing.retry_abort import STEP_IMAGES, abort, retry
from images.queries import listed_image, prefetched
from images.serializers import Addresses

if TYPE_CHECKING:
    ThumbnailInlineBase = admin.TabularInline[Thumbnail, Image]
    ImageAdminBase = admin.ModelAdmin[Image]
    BatchAdminBase = admin.ModelAdmin[Batch]
    ThumbnailAdminBase = admin.ModelAdmin[Thumbnail]
else:
    # Django's classes take no type arguments when they run.
    ThumbnailInlineBase = admin.TabularInline
    ImageAdminBase = BatchAdminBase = ThumbnailAdminBase = admin.ModelAdmin


# This template has a link to the status page (images.observability.status_page).
admin.site.index_template = "images/admin_index.html"


def _change_all(images: QuerySet[Image], change: Callable[[Sequence[UUID]], int]) -> tuple[int, int]:
    """Call `change` for all images in steps. Returns the number of changed images and the number of all images."""
    ids = list(images.order_by("id").values_list("id", flat=True))
    changed = sum(change(ids[start : start + STEP_IMAGES]) for start in range(0, len(ids), STEP_IMAGES))
    return changed, len(ids)


class ReadOnly:
    """Rows can be viewed, but not added or edited."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False


class ThumbnailInline(ReadOnly, ThumbnailInlineBase):
    model = Thumbnail
    extra = 0
    fields = ("label", "scale", "width", "height", "byte_size", "key", "generated_at")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        # Thumbnails are only deleted together with their image.
        return False


@admin.register(Image)
class ImageAdmin(ReadOnly, ImageAdminBase):
    list_display = (
        "preview",
        "name",
        "status",
        "error_code",
        "media_type",
        "width",
        "height",
        "byte_size",
        "uploaded_at",
    )
    list_display_links = ("preview", "name")
    list_filter = ("status", "collection", "media_type")
    search_fields = ("id", "name")
    ordering = ("-uploaded_at", "-id")
    list_per_page = 50
    show_full_result_count = False
    inlines = (ThumbnailInline,)
    actions = ("retry_selected", "abort_selected")

    def has_process_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("images.change_image")

    @admin.action(description="Process selected images again", permissions=["process"])
    def retry_selected(self, request: HttpRequest, images: QuerySet[Image]) -> None:
        retried, selected = _change_all(images, retry)
        self.message_user(
            request,
            f"{retried} of {selected} images are processed again. This is possible only for failed and aborted images.",
            messages.SUCCESS if retried else messages.WARNING,
        )

    @admin.action(description="Stop the processing of selected images", permissions=["process"])
    def abort_selected(self, request: HttpRequest, images: QuerySet[Image]) -> None:
        aborted, selected = _change_all(images, abort)
        self.message_user(
            request,
            f"{aborted} of {selected} images were aborted. Only pending and processing images can be aborted.",
            messages.SUCCESS if aborted else messages.WARNING,
        )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Image]:
        return prefetched(super().get_queryset(request))

    @admin.display(description="")
    def preview(self, image: Image) -> SafeString | str:
        # These are the API's URLs: a request for a missing or stale thumbnail generates it.
        urls = Addresses.now().thumbnails(*listed_image(image))
        if not urls:
            return "—"
        return format_html(
            '<img src="{}" alt="" loading="lazy" style="max-height: 48px; max-width: 72px">',
            next(iter(urls.values())),
        )

    def delete_model(self, request: HttpRequest, obj: Image) -> None:  # noqa: ARG002
        delete_images(Image.objects.filter(pk=obj.pk))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Image]) -> None:  # noqa: ARG002
        delete_images(queryset)


@admin.register(Batch)
class BatchAdmin(ReadOnly, BatchAdminBase):
    list_display = ("id", "created_at")
    ordering = ("-created_at", "-id")
    show_full_result_count = False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        # The admin would delete the images' rows and leave their files. Batches are deleted through the API.
        return False


@admin.register(Thumbnail)
class ThumbnailAdmin(ReadOnly, ThumbnailAdminBase):
    list_display = ("image", "label", "scale", "width", "height", "byte_size", "generated_at")
    list_filter = ("label",)
    search_fields = ("image__id", "key")
    list_select_related = ("image",)
    show_full_result_count = False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False
