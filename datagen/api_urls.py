"""REST of data generation, relative to /api/v1/."""

from django.urls import path

from datagen import api, mixture_api

MIXTURE = "campaigns/<slug:slug>/mixtures/<int:pk>"

urlpatterns = [
    path("campaigns/<slug:slug>/pools", api.PoolList.as_view(), name="api-pool-list"),
    path(MIXTURE, mixture_api.MixtureDetail.as_view(), name="api-mixture-detail"),
    path("campaigns/<slug:slug>/mixtures", mixture_api.MixtureList.as_view(), name="api-mixture-list"),
    path(f"{MIXTURE}/preview", mixture_api.MixturePreview.as_view(), name="api-mixture-preview"),
    path(f"{MIXTURE}/rows", mixture_api.MixtureRows.as_view(), name="api-mixture-rows"),
]
