"""The system of agents: plain code between a task and its result."""

from lllm import AgentBase


class TripAgent(AgentBase):
    """Answers what the fuel for a trip costs."""

    agent_type = "trip"
    agent_group = ["planner"]

    def call(self, task: str, **kwargs: object) -> str:
        planner = self.agents["planner"]
        dialog = planner.init_dialog()
        dialog.send_message(task)
        reply, dialog, _calls = planner.call(dialog)
        return f"The fuel costs {reply.parsed:.2f} euros."
