"""Pages of samples, datasets and the ledger."""

from django.urls import path

from datagen import call_views, dataset_views, live_views, sample_views, views

urlpatterns = [
    path("campaigns/<slug:slug>/mixtures/<int:pk>/samples/", views.sample_list, name="sample-list"),
    path("campaigns/<slug:slug>/mixtures/<int:pk>/live/", live_views.mixture_live_page, name="mixture-live"),
    path("campaigns/<slug:slug>/calls/", call_views.call_list, name="call-list"),
    path("campaigns/<slug:slug>/calls/<int:pk>/", call_views.call_detail, name="call-detail"),
    path("campaigns/<slug:slug>/samples/", sample_views.sample_queue, name="sample-queue"),
    path("campaigns/<slug:slug>/samples/decide", sample_views.sample_decide_many, name="sample-decide-many"),
    path("campaigns/<slug:slug>/samples/<int:pk>/", sample_views.sample_detail, name="sample-detail"),
    path("campaigns/<slug:slug>/samples/<int:pk>/decide", sample_views.sample_decide, name="sample-decide"),
    path("campaigns/<slug:slug>/samples/<int:pk>/undo", sample_views.sample_undo, name="sample-undo"),
    path("campaigns/<slug:slug>/datasets/", dataset_views.dataset_list, name="dataset-list"),
    path("campaigns/<slug:slug>/datasets/<int:pk>/", dataset_views.dataset_detail, name="dataset-detail"),
    path("campaigns/<slug:slug>/datasets/<int:pk>/<slug:kind>", dataset_views.dataset_file, name="dataset-file"),
]
