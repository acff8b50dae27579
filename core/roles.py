"""The agents' roles: which a campaign must have an endpoint for, and which add a step when they have one."""

from typing import Literal, get_args

Role = Literal["planner", "question_writer", "validator", "blind_solver", "searcher", "selector", "analyst", "editor"]
ROLES: tuple[str, ...] = get_args(Role)
REQUIRED_ROLES: tuple[Role, ...] = ("planner", "question_writer", "validator", "blind_solver")
CHAT_ROLES: tuple[Role, ...] = (*REQUIRED_ROLES, "searcher", "selector", "analyst")  # the editor speaks images/edits
