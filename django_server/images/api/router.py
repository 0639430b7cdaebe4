"""The NinjaAPI object. It serves all routes of the HTTP API, the OpenAPI document and the page /api/docs."""

from ninja import NinjaAPI, Swagger

from images.api import batches, health, images, limits, thumbnails, uploads
from images.http import exception_responses

api = NinjaAPI(
    title="django-file-upload",
    version="1",
    description=(
        "Upload images and get thumbnails. Every error has the fields `error` and `code`. If the server has a token, "
        "every request that changes something needs `Authorization: Bearer <token>`."
    ),
    docs=Swagger(),
    docs_url="/api/docs",
    openapi_url="/api/openapi.json",
)
exception_responses.install(api)
for module in (uploads, images, thumbnails, batches, limits, health):
    api.add_router("", module.router)
