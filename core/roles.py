"""The roles of endpoints: which a campaign must have one for, and which add a step when they have one."""

from typing import Literal, get_args

Role = Literal[
    "planner",
    "question_writer",
    "validator",
    "blind_solver",
    "searcher",
    "selector",
    "analyst",
    "editor",
    "judge",
    "second_judge",
    "third_judge",
    "model_under_test",
]
ROLES: tuple[str, ...] = get_args(Role)
REQUIRED_ROLES: tuple[Role, ...] = ("planner", "question_writer", "validator", "blind_solver")
CHAT_ROLES: tuple[Role, ...] = (*REQUIRED_ROLES, "searcher", "selector", "analyst")  # the editor speaks images/edits
# In the order in which they are asked. They are named one by one: the same model twice is no second opinion.
JUDGES: tuple[Role, ...] = ("judge", "second_judge", "third_judge")
# The editor speaks images/edits, and the model under test is no agent: ``all`` roles leave both out.
MODEL_UNDER_TEST: Role = "model_under_test"
# Those that are shown pictures by chat completions; an endpoint that takes none cannot play them.
PICTURE_ROLES: tuple[Role, ...] = (
    "question_writer",
    "validator",
    "blind_solver",
    "selector",
    "analyst",
    *JUDGES,
    MODEL_UNDER_TEST,
)
# Seconds after which a call counts as lost: a plan is short, a look at several pictures takes longer, and an edit
# draws pictures. A local server of a large model under load stays well within them.
TIMEOUTS_S: dict[str, float] = {
    "planner": 60.0,
    "searcher": 60.0,
    "question_writer": 120.0,
    "validator": 120.0,
    "blind_solver": 120.0,
    "selector": 120.0,
    "analyst": 120.0,
    "editor": 300.0,
    "judge": 120.0,
    "second_judge": 120.0,
    "third_judge": 120.0,
    "model_under_test": 300.0,
}
