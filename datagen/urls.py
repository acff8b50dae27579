"""Pages of mixtures and samples."""

from django.urls import path

from datagen import views

urlpatterns = [
    path("campaigns/<slug:slug>/mixtures/<int:pk>/samples/", views.sample_list, name="sample-list"),
]
