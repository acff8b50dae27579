"""Three doors: pages, the API, the admin."""

from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView

urlpatterns = [
    path("", include("core.urls")),
    path("", include("diagnostics.urls")),
    path("", include("datagen.urls")),
    path("", include("training.urls")),
    path("api/v1/", include("training.setup_api_urls")),
    path("api/v1/", include("core.api_urls")),
    path("api/v1/", include("diagnostics.api_urls")),
    path("api/v1/", include("datagen.api_urls")),
    path("api/v1/", include("training.api_urls")),
    path("api/v1/schema", SpectacularAPIView.as_view(), name="api-schema"),
    path("admin/", admin.site.urls),
]
