"""Pages that make a campaign, and the file that makes it again."""

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.vary import vary_on_headers

from core.campaign_file import CampaignFile, campaign_file_parse, campaign_file_text, yaml_read
from core.errors import InvalidInput, NotAllowed, WrongState
from core.pages import part_wanted
from core.selectors import campaign_open
from training.campaign_forms import CampaignForm, YamlForm
from training.preflight import has_failed, preflight
from training.selectors.import_files import ImportFiles, import_files
from training.selectors.setups import campaign_file_of
from training.services.campaign_setup import campaign_set_up

Forms = tuple[CampaignForm, YamlForm]


@vary_on_headers("HX-Request")
def campaign_new(request: HttpRequest) -> HttpResponse:
    """Make a campaign by a form or from a YAML file; what is missing can be checked before."""
    user, files = cast(User, request.user), import_files()
    context: dict[str, Any] = {"section": "campaigns", "files": files, "way": request.POST.get("way", "form")}
    campaign_form, yaml_form = forms_of(request, files)
    context |= {"form": campaign_form, "yaml": yaml_form}
    if request.method != "POST":
        return render(request, "training/campaign_new.html", context)
    file = file_told(context["way"], campaign_form, yaml_form)
    if file and request.POST.get("do") == "check":
        context["checks"] = preflight(actor=user, file=file)
        context["is_ready"] = not has_failed(context["checks"])
    elif file and (made := campaign_made(request, user, file, context)):
        return made
    template = "training/_preflight.html" if part_wanted(request) else "training/campaign_new.html"
    return render(request, template, context, status=200 if "checks" in context or part_wanted(request) else 400)


def forms_of(request: HttpRequest, files: ImportFiles) -> Forms:
    """Both forms; the one that was sent holds what was typed."""
    way = request.POST.get("way", "form") if request.method == "POST" else ""
    campaign_form = CampaignForm(files, request.POST) if way == "form" else CampaignForm(files)
    return campaign_form, YamlForm(request.POST, request.FILES) if way == "yaml" else YamlForm()


def file_told(way: str, campaign_form: CampaignForm, yaml_form: YamlForm) -> CampaignFile | None:
    """The campaign's file as it was sent; None when it cannot be read, and then the form says why."""
    form = yaml_form if way == "yaml" else campaign_form
    if not form.is_valid():
        return None
    try:
        raw = yaml_read(yaml_form.content()) if way == "yaml" else campaign_form.document()
        return campaign_file_parse(raw)
    except InvalidInput as error:
        fault_show(way, campaign_form, yaml_form, error)
        return None


def fault_show(way: str, campaign_form: CampaignForm, yaml_form: YamlForm, error: InvalidInput) -> None:
    """A fault beside the field that it belongs to."""
    if way == "yaml":
        yaml_form.add_error("text", str(error))
    else:
        campaign_form.show(error)


def campaign_made(request: HttpRequest, user: User, file: CampaignFile, context: dict[str, Any]) -> HttpResponse | None:
    """To the new campaign's inputs; None when a service refused it, and then the form says why."""
    try:
        setup = campaign_set_up(actor=user, file=file)
    except InvalidInput as error:
        fault_show(context["way"], context["form"], context["yaml"], error)
        return None
    except (WrongState, NotAllowed) as error:
        sent = context["yaml"] if context["way"] == "yaml" else context["form"]
        sent.add_error(None, str(error))
        return None
    num = len(setup.waiting)
    messages.success(request, f"{setup.campaign} is made; {num} import{'' if num == 1 else 's'} wait for a worker.")
    return redirect("campaign-inputs", setup.campaign.slug)


def campaign_file(request: HttpRequest, slug: str) -> HttpResponse:
    """The campaign as a YAML file that makes it again."""
    campaign, rights = campaign_open(cast(User, request.user), slug)
    if "admin" not in rights:
        raise NotAllowed("An admin of the campaign can download it.")
    headers = {"Content-Disposition": f'attachment; filename="{campaign.slug}.yaml"'}
    text = campaign_file_text(campaign_file_of(campaign))
    return HttpResponse(text, content_type="application/yaml; charset=utf-8", headers=headers)
