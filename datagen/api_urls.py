"""REST of data generation, relative to /api/v1/."""

from django.urls import path

from datagen import api, call_api

urlpatterns = [
    path("campaigns/<slug:slug>/pools", api.PoolList.as_view(), name="api-pool-list"),
    path("campaigns/<slug:slug>/mixtures/<int:pk>", api.MixtureDetail.as_view(), name="api-mixture-detail"),
    path("campaigns/<slug:slug>/calls", call_api.CallList.as_view(), name="api-call-list"),
    path("campaigns/<slug:slug>/calls/<int:pk>", call_api.CallDetail.as_view(), name="api-call-detail"),
]
