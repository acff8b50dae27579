"""REST of data generation, relative to /api/v1/."""

from django.urls import path

from datagen import api, call_api, dataset_api, sample_api

urlpatterns = [
    path("campaigns/<slug:slug>/pools", api.PoolList.as_view(), name="api-pool-list"),
    path("campaigns/<slug:slug>/mixtures/<int:pk>", api.MixtureDetail.as_view(), name="api-mixture-detail"),
    path("campaigns/<slug:slug>/calls", call_api.CallList.as_view(), name="api-call-list"),
    path("campaigns/<slug:slug>/calls/<int:pk>", call_api.CallDetail.as_view(), name="api-call-detail"),
    path("campaigns/<slug:slug>/datasets", dataset_api.DatasetList.as_view(), name="api-dataset-list"),
    path("campaigns/<slug:slug>/datasets/<int:pk>", dataset_api.DatasetDetail.as_view(), name="api-dataset-detail"),
    path(
        "campaigns/<slug:slug>/datasets/<int:pk>/<slug:kind>",
        dataset_api.DatasetFile.as_view(),
        name="api-dataset-file",
    ),
    path("campaigns/<slug:slug>/samples", sample_api.SampleList.as_view(), name="api-sample-list"),
    path("campaigns/<slug:slug>/samples/decide", sample_api.SampleDecide.as_view(), name="api-sample-decide"),
    path("campaigns/<slug:slug>/samples/<int:pk>", sample_api.SampleDetail.as_view(), name="api-sample-detail"),
    path("campaigns/<slug:slug>/samples/<int:pk>/accept", sample_api.SampleAccept.as_view(), name="api-sample-accept"),
    path("campaigns/<slug:slug>/samples/<int:pk>/reject", sample_api.SampleReject.as_view(), name="api-sample-reject"),
    path("campaigns/<slug:slug>/samples/<int:pk>/reassign", sample_api.SampleMove.as_view(), name="api-sample-move"),
    path("campaigns/<slug:slug>/samples/<int:pk>/undo", sample_api.SampleUndo.as_view(), name="api-sample-undo"),
]
