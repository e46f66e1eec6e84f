"""What OpenTelemetry calls the things that a run is made of.

Names are those of the semantic conventions for generative AI, version 1.41.0, status "Development":
https://github.com/open-telemetry/semantic-conventions/blob/v1.41.0/docs/gen-ai/gen-ai-spans.md and
https://github.com/open-telemetry/semantic-conventions/blob/v1.41.0/docs/gen-ai/gen-ai-agent-spans.md (read 2026-11).
Whatever has no name there begins with ``lllm.``. A tool, in those names, is a function here.
"""

from __future__ import annotations

SCHEMA_URL = "https://opentelemetry.io/schemas/1.41.0"

# Span kinds and statuses are the numbers of
# https://github.com/open-telemetry/opentelemetry-proto/blob/v1.7.0/opentelemetry/proto/trace/v1/trace.proto (2026-11).
KIND_INTERNAL, KIND_CLIENT = 1, 3
STATUS_UNSET, STATUS_OK, STATUS_ERROR = 0, 1, 2

OPERATION_NAME = "gen_ai.operation.name"
CHAT, INVOKE_AGENT, EXECUTE_TOOL, INVOKE_WORKFLOW = "chat", "invoke_agent", "execute_tool", "invoke_workflow"

PROVIDER_NAME = "gen_ai.provider.name"
CONVERSATION_ID = "gen_ai.conversation.id"
WORKFLOW_NAME = "gen_ai.workflow.name"
AGENT_NAME = "gen_ai.agent.name"
ERROR_TYPE = "error.type"

REQUEST_MODEL = "gen_ai.request.model"
REQUEST_MAX_TOKENS = "gen_ai.request.max_tokens"
REQUEST_TEMPERATURE = "gen_ai.request.temperature"
REQUEST_TOP_P = "gen_ai.request.top_p"
REQUEST_SEED = "gen_ai.request.seed"
RESPONSE_MODEL = "gen_ai.response.model"
RESPONSE_FINISH_REASONS = "gen_ai.response.finish_reasons"
INPUT_TOKENS = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
CACHED_INPUT_TOKENS = "gen_ai.usage.cache_read.input_tokens"

TOOL_NAME = "gen_ai.tool.name"
TOOL_CALL_ID = "gen_ai.tool.call.id"
TOOL_TYPE = "gen_ai.tool.type"

# Content: only where it is asked for.
OUTPUT_MESSAGES = "gen_ai.output.messages"
TOOL_ARGUMENTS = "gen_ai.tool.call.arguments"
TOOL_RESULT = "gen_ai.tool.call.result"

# Ours.
EFFECT_ID = "lllm.effect.id"
SEQ = "lllm.seq"
STATUS = "lllm.status"
COST_USD = "lllm.cost_usd"
RETRY = "lllm.retry"
RECALL = "lllm.recall"
PARENT_SESSION = "lllm.parent.session"
PARENT_SEQ = "lllm.parent.seq"
TASK = "lllm.task"
RESULT = "lllm.result"
DAMAGE = "lllm.damage"
STEP_NAME = "lllm.step.name"
