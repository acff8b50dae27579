"""Pages of mixtures and samples."""

from django.urls import path

from datagen import call_views, views

urlpatterns = [
    path("campaigns/<slug:slug>/mixtures/<int:pk>/samples/", views.sample_list, name="sample-list"),
    path("campaigns/<slug:slug>/calls/", call_views.call_list, name="call-list"),
    path("campaigns/<slug:slug>/calls/<int:pk>/", call_views.call_detail, name="call-detail"),
]
