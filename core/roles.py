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
