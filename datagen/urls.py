"""Pages of mixtures and samples."""

from django.urls import path

from datagen import sample_views, views

urlpatterns = [
    path("campaigns/<slug:slug>/mixtures/<int:pk>/samples/", views.sample_list, name="sample-list"),
    path("campaigns/<slug:slug>/samples/", sample_views.sample_queue, name="sample-queue"),
    path("campaigns/<slug:slug>/samples/decide", sample_views.sample_decide_many, name="sample-decide-many"),
    path("campaigns/<slug:slug>/samples/<int:pk>/", sample_views.sample_detail, name="sample-detail"),
    path("campaigns/<slug:slug>/samples/<int:pk>/decide", sample_views.sample_decide, name="sample-decide"),
    path("campaigns/<slug:slug>/samples/<int:pk>/undo", sample_views.sample_undo, name="sample-undo"),
]
