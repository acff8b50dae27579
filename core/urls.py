"""Pages that belong to no round: signing in, campaigns, media."""

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
