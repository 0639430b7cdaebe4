"""The API as one object, with its description and a page that shows it, both served without network."""

from ninja import NinjaAPI, Swagger

from images.api import batches, errors, health, jobs, limits, listing, thumbnails, uploads

api = NinjaAPI(
    title="django-file-upload",
    version="1",
    description=(
        "Images in, thumbnails out. Errors are always `{error, code}`. Where the site has a token, every request that "
        "changes something needs `Authorization: Bearer <token>`."
    ),
    docs=Swagger(),
    docs_url="/api/docs",
    openapi_url="/api/openapi.json",
)
errors.install(api)
for module in (uploads, listing, thumbnails, jobs, batches, limits, health):
    api.add_router("", module.router)
