"""The mini world's campaign as a file: ``demo/campaign.yaml`` with this plan's sizes, seed and addresses."""

from dataclasses import asdict
from string import Template

import yaml

from demo.run.client import Json
from demo.run.plan import GENERATIONS, ROLES, ROOT, Plan

TEMPLATE = ROOT / "demo" / "campaign.yaml"


def campaign_file(plan: Plan) -> Json:
    """The document that POST campaigns/from-file takes."""
    facts = {
        **asdict(plan.sizes),
        "slug": plan.campaign,
        "seed": plan.seed,
        "agents": plan.agents,
        "roles": ", ".join(ROLES),
        "completions": GENERATIONS * plan.sizes.prompts,
    }
    file: Json = yaml.safe_load(Template(TEMPLATE.read_text()).substitute(facts))
    return file
