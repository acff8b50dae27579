"""Pages of mixtures and samples."""

from django.urls import path

from datagen import dataset_views, views

urlpatterns = [
    path("campaigns/<slug:slug>/mixtures/<int:pk>/samples/", views.sample_list, name="sample-list"),
    path("campaigns/<slug:slug>/datasets/", dataset_views.dataset_list, name="dataset-list"),
    path("campaigns/<slug:slug>/datasets/<int:pk>/", dataset_views.dataset_detail, name="dataset-detail"),
    path("campaigns/<slug:slug>/datasets/<int:pk>/<slug:kind>", dataset_views.dataset_file, name="dataset-file"),
]
