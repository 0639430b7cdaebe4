"""Django's URL routes: page, API and admin. `config/asgi.py` serves media, static files and page assets itself."""

from django.contrib import admin
from django.urls import path, re_path
from django.views.generic import RedirectView

from config.page_views import page
from images.api.router import api
from images.observability.status_page import status

urlpatterns = [
    # Before the API, which responds with 404 at its root.
    path("", page),
    # Redirects for addresses that people type without the slash, or with one too many. APPEND_SLASH is off, because the
    # page's routes have no slash.
    path("admin", RedirectView.as_view(pattern_name="admin:index", query_string=True)),
    path("admin/status", RedirectView.as_view(pattern_name="status", query_string=True)),
    path("api/docs/", RedirectView.as_view(url="/api/docs")),
    path("", api.urls),
    path("admin/status/", admin.site.admin_view(status), name="status"),
    path("admin/", admin.site.urls),
    # Every other address is a route of the page. Unknown addresses below these prefixes get 404.
    re_path(r"^(?!api/|ws/|media/|static/|assets/|admin/|healthz|readyz|metrics).*$", page),
]

handler400 = "config.page_views.bad_request"
handler404 = "config.page_views.not_found"
handler500 = "config.page_views.server_error"
