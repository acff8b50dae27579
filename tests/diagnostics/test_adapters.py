"""A folder of LoRA adapters is a checkpoint that knows its base and is not loaded by itself."""

import pytest

from core.domain.adapters import adapter_base, adapter_flaw, adapter_rank
from core.errors import InvalidInput
from core.models import AuditEvent
from core.specs import Sampling
from diagnostics.models import Checkpoint
from diagnostics.services.answer_runs import answer_run_create
from diagnostics.services.checkpoints import adapter_base_set, checkpoint_register
from tests.diagnostics.makers import make_adapter, make_checkpoint, make_folder, make_items
from tests.factories import make_campaign
from training.selectors.offers import parent_default
from training.services.rounds import round_start

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign():
    return make_campaign()


def register(campaign, path, name="adapters") -> Checkpoint:
    return checkpoint_register(actor=campaign.created_by, campaign=campaign, name=name, path=path)


@pytest.mark.parametrize("named", ["base", "Qwen/base", "PATH"])
def test_adapters_are_registered_under_the_base_that_they_name(campaign, import_root, named):
    base = register(campaign, make_folder(import_root / "m"), name="base")
    words = base.path if named == "PATH" else named
    row = register(campaign, make_adapter(import_root / "a", base_model_name_or_path=words))
    assert (row.is_adapter, row.parent) == (True, base)
    assert not base.is_adapter


def test_a_base_that_is_not_here_or_not_the_only_one_of_its_name_is_left_open(campaign, import_root):
    assert register(campaign, make_adapter(import_root / "a")).parent is None
    for weights in (b"one", b"two"):
        register(campaign, make_folder(import_root / weights.decode(), weights=weights), name="base")
    assert register(campaign, make_adapter(import_root / "b", r=8)).parent is None
    register(make_campaign(), make_folder(import_root / "m"), name="elsewhere")
    foreign = make_adapter(import_root / "c", base_model_name_or_path="elsewhere")
    assert register(campaign, foreign).parent is None, "another campaign's checkpoint is no base here"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"without": "adapter_model.safetensors"}, "has adapter_config.json and no adapter_model.safetensors"),
        ({"peft_type": "IA3"}, "says peft_type IA3, and only LORA"),
        ({"r": None}, "says no rank"),
        ({"init_lora_weights": "pissa"}, "changed the base itself"),
        ({"megatron_config": {"a": 1}}, "Megatron"),
    ],
)
def test_adapters_that_cannot_be_used_are_refused_in_one_sentence(campaign, import_root, change, words):
    with pytest.raises(InvalidInput, match=words) as caught:
        register(campaign, make_adapter(import_root / "a", **change))
    assert caught.value.field == "path"


def test_a_folder_with_a_model_and_adapters_is_refused(campaign, import_root):
    folder = make_adapter(make_folder(import_root / "both"))
    with pytest.raises(InvalidInput, match="holds a model and adapters"):
        register(campaign, folder)


def test_nothing_that_loads_a_model_starts_from_adapters(campaign, import_root):
    make_items(campaign, "count", 2)
    base = make_checkpoint(campaign)
    row = register(campaign, make_adapter(import_root / "a"))
    assert parent_default(campaign) == base
    with pytest.raises(InvalidInput, match="merge them into a full checkpoint first"):
        round_start(actor=campaign.created_by, campaign=campaign, checkpoint=row)
    choice = {"split": "probe", "items_a_skill": 2, "sampling": Sampling(), "label": "run", "round_number": 1}
    with pytest.raises(InvalidInput, match="merge them"):
        answer_run_create(actor=campaign.created_by, campaign=campaign, checkpoint=row, **choice)


def test_a_base_is_set_once(campaign, import_root):
    row = register(campaign, make_adapter(import_root / "a"))
    first, second = make_checkpoint(campaign), make_checkpoint(campaign)
    for base in (first, second):
        adapter_base_set(actor=campaign.created_by, adapter=row, base=base)
    row.refresh_from_db()
    assert row.parent == first
    assert AuditEvent.objects.filter(action="checkpoint.base_set").count() == 1


def test_what_a_configuration_says():
    assert adapter_flaw({"peft_type": "LORA", "r": 8, "init_lora_weights": "gaussian"}) == ""
    assert adapter_rank({"r": 8, "rank_pattern": {"q_proj": 64}}) == 64
    assert adapter_rank({"r": "many"}) == 0
    assert adapter_base({"base_model_name_or_path": None}) == ""
