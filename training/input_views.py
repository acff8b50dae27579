"""Pages that show what a campaign is made from, bring more in, and say what a file holds before it comes in."""

from collections.abc import Callable, Iterable
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST
from django.views.decorators.vary import vary_on_headers

from core.campaign_forms import error_show
from core.errors import InvalidInput
from core.models import Campaign, Job
from core.pages import part_wanted
from core.selectors import campaign_open, why_ended, why_waiting
from datagen.services.pools import pool_submit
from diagnostics.models import Benchmark
from diagnostics.services.benchmarks import benchmark_check_submit, benchmark_submit
from diagnostics.services.checkpoints import checkpoint_submit
from diagnostics.services.predictions import predictions_submit
from training.input_forms import BenchmarkForm, ImportForm, PredictionsForm
from training.selectors.import_files import import_files
from training.selectors.setups import are_live, import_reported, imports_now, imports_reported

SUBMITS = {"checkpoint": checkpoint_submit, "benchmark": benchmark_submit, "pool": pool_submit}
FORMS = {"checkpoint": ImportForm, "benchmark": BenchmarkForm, "pool": ImportForm}


@vary_on_headers("HX-Request")
def campaign_inputs(request: HttpRequest, slug: str) -> HttpResponse:
    """Checkpoints, benchmarks and pools with the imports that go on, and forms for more."""
    user = cast(User, request.user)
    campaign, rights = campaign_open(user, slug, "research" if request.method == "POST" else "view")
    kind = kind_sent(request)
    sent = FORMS[kind](kind, request.POST) if kind in FORMS else None
    if sent and submitted(sent, lambda: SUBMITS[kind](actor=user, campaign=campaign, **sent.words)):
        messages.success(request, f"The import of {sent.words['name']} waits for a worker.")
        return redirect("campaign-inputs", slug)
    if part_wanted(request):
        return render(request, "training/_inputs_live.html", inputs_context(campaign, rights))
    return inputs_page(request, inputs_context(campaign, rights), {kind: sent} if sent else {})


def kind_sent(request: HttpRequest) -> str:
    """Which form was sent; empty when the page was only opened."""
    kind = request.POST.get("kind", "") if request.method == "POST" else ""
    if request.method == "POST" and kind not in FORMS:
        raise InvalidInput(f"kind must be one of {', '.join(FORMS)}.", field="kind")
    return kind


@require_POST
@vary_on_headers("HX-Request")
def benchmark_check(request: HttpRequest, slug: str) -> HttpResponse:
    """Look at a benchmark's file; the report comes into the page that asks, or onto its own."""
    user = cast(User, request.user)
    campaign, rights = campaign_open(user, slug, "research")
    form = BenchmarkForm("benchmark", request.POST)
    job = submitted(form, lambda: benchmark_check_submit(actor=user, campaign=campaign, **form.file_words))
    if job and part_wanted(request):
        return render(request, "training/_import_state.html", state_context(campaign, job.pk))
    if job:
        return redirect("import-detail", slug, job.pk)
    if part_wanted(request):
        return render(request, "training/_form_faults.html", {"form": form})
    return inputs_page(request, inputs_context(campaign, rights), {"benchmark": form})


@require_POST
def predictions_import(request: HttpRequest, slug: str) -> HttpResponse:
    """Bring in answers that a model gave elsewhere; a page of its own says what joined and what did not."""
    user = cast(User, request.user)
    campaign, rights = campaign_open(user, slug, "research")
    context = inputs_context(campaign, rights)
    form = PredictionsForm(whole(context["benchmarks"]), request.POST)
    job = submitted(form, lambda: predictions_submit(actor=user, campaign=campaign, **form.cleaned_data))
    if job is None:
        return inputs_page(request, context, {"predictions": form})
    return redirect("import-detail", slug, job.pk)


@vary_on_headers("HX-Request")
def import_detail(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """What a dry run, or an import of predictions, found; the live part asks for itself until it has ended."""
    campaign, _ = campaign_open(cast(User, request.user), slug)
    template = "training/_import_state.html" if part_wanted(request) else "training/import_detail.html"
    return render(request, template, state_context(campaign, pk))


def submitted(form: forms.Form, submit: Callable[[], Job]) -> Job | None:
    """The job that waits for a worker now; None when it was refused, and then the form says why."""
    if not form.is_valid():
        return None
    try:
        return submit()
    except InvalidInput as error:
        error_show(form, error)
        return None


def inputs_page(request: HttpRequest, context: dict[str, Any], sent: dict[str, forms.Form]) -> HttpResponse:
    """The whole page; a form that was refused stands in its place as it was sent."""
    blank = {kind: form(kind) for kind, form in FORMS.items()}
    predictions = PredictionsForm(whole(context["benchmarks"]))
    context |= {"forms": {**blank, "predictions": predictions, **sent}, "files": import_files()}
    return render(request, "training/campaign_inputs.html", context, status=400 if sent else 200)


def whole(benchmarks: Iterable[Benchmark]) -> list[str]:
    """The names of benchmarks whose items are all there."""
    return [one.name for one in benchmarks if one.num_items]


def inputs_context(campaign: Campaign, rights: frozenset[str]) -> dict[str, Any]:
    """What the inputs' page shows of the campaign."""
    waiting, reported = imports_now(campaign), imports_reported(campaign)
    return {
        "section": "campaigns",
        "tab": "inputs",
        "campaign": campaign,
        "waiting": waiting,
        "reported": reported,
        "live": are_live([*waiting, *reported]),
        "checkpoints": list(campaign.checkpoints.select_related("parent").order_by("-id")),
        "benchmarks": list(campaign.benchmarks.order_by("name")),
        "pools": list(campaign.pools.order_by("name")),
        "may_research": "research" in rights,
    }


def state_context(campaign: Campaign, pk: int) -> dict[str, Any]:
    """What is shown of one dry run or import of predictions."""
    row = import_reported(campaign, pk)
    return {
        "section": "campaigns",
        "tab": "inputs",
        "campaign": campaign,
        "row": row,
        "job": row.job,
        "why": why(row.job),
    }


def why(job: Job) -> str:
    """What the job waits for, or why it did not come to its end."""
    if job.is_live:
        return why_waiting(job, list(Job.objects.filter(queue=job.queue, status="running")), timezone.now())
    return why_ended(job)
