"""Which address goes where. Media, static files and the page's assets are served in front of Django (asgi.py)."""

from django.contrib import admin
from django.urls import path, re_path

from config.page_views import page
from images.api.router import api
from images.observability.status_page import status

urlpatterns = [
    # Before the API, which answers 404 at its own root.
    path("", page),
    path("", api.urls),
    path("admin/status/", admin.site.admin_view(status), name="status"),
    path("admin/", admin.site.urls),
    # Every other address is a view of the page, which routes by itself; unknown API addresses stay 404.
    re_path(r"^(?!api/|ws/|media/|static/|assets/|admin/|healthz|readyz|metrics).*$", page),
]

handler400 = "config.page_views.bad_request"
handler404 = "config.page_views.not_found"
handler500 = "config.page_views.server_error"
