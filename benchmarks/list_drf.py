"""The baseline of the list endpoint: the pattern of Django REST framework's tutorial, on the same rows.

ModelSerializer with nested and prefetched thumbnails, DRF's keyset pagination (CursorPagination), JSON only. In two
variants: plain columns, and with a URL for each file from the storage, as DRF's FileField has it. Both do less than the
endpoint: no `?v=`, no validity check, no ETag. Used by list_serving.py, as its urlconf.
"""

from __future__ import annotations

from django.core.files.storage import default_storage
from django.urls import include, path
from rest_framework.fields import Field
from rest_framework.generics import ListAPIView
from rest_framework.pagination import CursorPagination
from rest_framework.renderers import JSONRenderer
from rest_framework.serializers import ModelSerializer

from images.models import Image, Thumbnail

_COLUMNS = (
    *("id", "version", "batch", "collection", "name", "byte_size", "media_type", "width", "height", "status"),
    *("error_code", "error_message", "uploaded_at", "finished_at"),
)


class PlainThumbnailSerializer(ModelSerializer):
    class Meta:
        model = Thumbnail
        fields = ("label", "key", "scale", "width", "height", "byte_size")


class PlainImageSerializer(ModelSerializer):
    thumbnails = PlainThumbnailSerializer(many=True)

    class Meta:
        model = Image
        fields = (*_COLUMNS, "key", "thumbnails")


class StoredField(Field):
    """The URL of the file of a key."""

    def to_representation(self, value: str) -> str:
        return default_storage.url(value)


class ThumbnailSerializer(ModelSerializer):
    url = StoredField(source="key")

    class Meta:
        model = Thumbnail
        fields = ("label", "url", "scale", "width", "height", "byte_size")


class ImageSerializer(ModelSerializer):
    original = StoredField(source="key")
    thumbnails = ThumbnailSerializer(many=True)

    class Meta:
        model = Image
        fields = (*_COLUMNS, "original", "thumbnails")


class Pages(CursorPagination):
    page_size = 100
    page_size_query_param = "limit"
    max_page_size = 1000
    ordering = ("-uploaded_at", "-id")


class PlainImageList(ListAPIView):
    queryset = Image.objects.prefetch_related("thumbnails")
    serializer_class = PlainImageSerializer
    pagination_class = Pages
    renderer_classes = (JSONRenderer,)
    authentication_classes = ()
    permission_classes = ()


class ImageList(PlainImageList):
    serializer_class = ImageSerializer


urlpatterns = [
    path("drf/plain", PlainImageList.as_view()),
    path("drf/list", ImageList.as_view()),
    path("", include("config.urls")),
]
