"""What the list endpoint is measured against: the way of Django REST framework's own tutorial, over the same rows.

ModelSerializer with the thumbnails nested and prefetched, DRF's own keyset paging (CursorPagination), JSON alone. It
does less than the endpoint: no URL is made, no thumbnail's validity judged. Used by list_serving.py, as its urlconf.
"""

from __future__ import annotations

from django.urls import include, path
from images.models import Image, Thumbnail
from rest_framework.generics import ListAPIView
from rest_framework.pagination import CursorPagination
from rest_framework.renderers import JSONRenderer
from rest_framework.serializers import ModelSerializer


class ThumbnailSerializer(ModelSerializer):
    class Meta:
        model = Thumbnail
        fields = ("label", "key", "scale", "width", "height", "byte_size")


class ImageSerializer(ModelSerializer):
    thumbnails = ThumbnailSerializer(many=True)

    class Meta:
        model = Image
        fields = (
            *("id", "version", "batch", "collection", "name", "byte_size", "media_type", "width", "height"),
            *("status", "error_code", "error_message", "uploaded_at", "finished_at", "key", "thumbnails"),
        )


class Pages(CursorPagination):
    page_size = 100
    page_size_query_param = "limit"
    max_page_size = 1000
    ordering = ("-uploaded_at", "-id")


class ImageList(ListAPIView):
    queryset = Image.objects.prefetch_related("thumbnails")
    serializer_class = ImageSerializer
    pagination_class = Pages
    renderer_classes = (JSONRenderer,)
    authentication_classes = ()
    permission_classes = ()


urlpatterns = [path("drf/list", ImageList.as_view()), path("", include("config.urls"))]
