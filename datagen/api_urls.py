"""REST of data generation, relative to /api/v1/."""

from django.urls import path

from datagen import api, dataset_api

urlpatterns = [
    path("campaigns/<slug:slug>/pools", api.PoolList.as_view(), name="api-pool-list"),
    path("campaigns/<slug:slug>/mixtures/<int:pk>", api.MixtureDetail.as_view(), name="api-mixture-detail"),
    path("campaigns/<slug:slug>/datasets", dataset_api.DatasetList.as_view(), name="api-dataset-list"),
    path("campaigns/<slug:slug>/datasets/<int:pk>", dataset_api.DatasetDetail.as_view(), name="api-dataset-detail"),
    path(
        "campaigns/<slug:slug>/datasets/<int:pk>/<slug:kind>",
        dataset_api.DatasetFile.as_view(),
        name="api-dataset-file",
    ),
]
