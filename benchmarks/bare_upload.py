"""The baseline of `ingest`: Django alone, with a view that reads `request.FILES` into temporary files.

It stores nothing and responds with the number of bytes. Served by uvicorn as `bare_upload:application`. The environment
variable UPLOAD_FOLDER names the folder of the temporary files, on the same file system as the site's spool.
"""

from __future__ import annotations

import os

import django
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

settings.configure(
    SECRET_KEY="for benchmarks only",  # noqa: S106
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    FILE_UPLOAD_HANDLERS=["django.core.files.uploadhandler.TemporaryFileUploadHandler"],
    FILE_UPLOAD_TEMP_DIR=os.environ["UPLOAD_FOLDER"],
    DATA_UPLOAD_MAX_NUMBER_FILES=None,
)
django.setup()


def upload(request: HttpRequest) -> HttpResponse:
    files = request.FILES.getlist("images")
    return JsonResponse({"files": len(files), "bytes": sum(file.size or 0 for file in files)}, status=202)


def healthz(_: HttpRequest) -> HttpResponse:
    return HttpResponse("ok")


urlpatterns = [path("upload", upload), path("healthz", healthz)]
application = get_asgi_application()
