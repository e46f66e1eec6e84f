"""The system of agents: plain code between a task and its result."""

from lllm import AgentBase


class Analyst(AgentBase):
    """Answers questions about the sales of a shop."""

    agent_type = "analyst"
    agent_group = ["analyst"]

    def call(self, task: str, **kwargs: object) -> str:
        analyst = self.agents["analyst"]
        # Only what the config activates, and its cutoff_date leaves, is named to the model.
        dialog = analyst.init_dialog({"api_directory": self.proxy.api_directory()})
        dialog.send_message(task)
        reply, dialog, _calls = analyst.call(dialog)
        return reply.content
