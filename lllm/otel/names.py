"""What OpenTelemetry calls the things that a run is made of: the one place for names, live spans and exported files.

Names are those of the semantic conventions for generative AI, version 1.41.0, status "Development":
https://github.com/open-telemetry/semantic-conventions/blob/v1.41.0/docs/gen-ai/gen-ai-spans.md and
https://github.com/open-telemetry/semantic-conventions/blob/v1.41.0/docs/gen-ai/gen-ai-agent-spans.md (read 2026-11).
Whatever has no name there begins with ``lllm.``; the few ``llm.`` names are a second set for readers who know those.
A tool, in those names, is a function here.
"""

from __future__ import annotations

from urllib.parse import urlsplit

SCHEMA_URL = "https://opentelemetry.io/schemas/1.41.0"

# Span kinds and statuses are the numbers of
# https://github.com/open-telemetry/opentelemetry-proto/blob/v1.7.0/opentelemetry/proto/trace/v1/trace.proto (2026-11).
KIND_INTERNAL, KIND_CLIENT = 1, 3
STATUS_UNSET, STATUS_ERROR = 0, 2

OPERATION_NAME = "gen_ai.operation.name"
CHAT, INVOKE_AGENT, EXECUTE_TOOL, INVOKE_WORKFLOW = "chat", "invoke_agent", "execute_tool", "invoke_workflow"

PROVIDER_NAME = "gen_ai.provider.name"
CONVERSATION_ID = "gen_ai.conversation.id"
WORKFLOW_NAME = "gen_ai.workflow.name"
AGENT_NAME = "gen_ai.agent.name"
ERROR_TYPE = "error.type"
HTTP_STATUS = "http.response.status_code"
SERVER_ADDRESS = "server.address"
SERVER_PORT = "server.port"

REQUEST_MODEL = "gen_ai.request.model"
REQUEST_MAX_TOKENS = "gen_ai.request.max_tokens"
REQUEST_TEMPERATURE = "gen_ai.request.temperature"
REQUEST_TOP_P = "gen_ai.request.top_p"
REQUEST_SEED = "gen_ai.request.seed"
REQUEST_STREAM = "gen_ai.request.stream"
RESPONSE_MODEL = "gen_ai.response.model"
RESPONSE_FINISH_REASONS = "gen_ai.response.finish_reasons"
INPUT_TOKENS = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
CACHED_INPUT_TOKENS = "gen_ai.usage.cache_read.input_tokens"
CACHE_WRITE_TOKENS = "gen_ai.usage.cache_creation.input_tokens"
REASONING_TOKENS = "gen_ai.usage.reasoning.output_tokens"

TOOL_NAME = "gen_ai.tool.name"
TOOL_CALL_ID = "gen_ai.tool.call.id"
TOOL_TYPE = "gen_ai.tool.type"

# Content: only where it is asked for.
INPUT_MESSAGES = "gen_ai.input.messages"
OUTPUT_MESSAGES = "gen_ai.output.messages"
TOOL_ARGUMENTS = "gen_ai.tool.call.arguments"
TOOL_RESULT = "gen_ai.tool.call.result"

# The second set: on each span of a model call.
LLM_PROVIDER = "llm.provider"
LLM_MODEL = "llm.model"
LLM_TOKENS_PROMPT = "llm.tokens.prompt"
LLM_TOKENS_COMPLETION = "llm.tokens.completion"
LLM_LATENCY_MS = "llm.latency.ms"

# Ours.
EFFECT_ID = "lllm.effect.id"
SEQ = "lllm.seq"
STATUS = "lllm.status"
COST_USD = "lllm.cost_usd"
CACHED = "lllm.cached"
RETRY = "lllm.retry"
RECALL = "lllm.recall"
PARENT_SESSION = "lllm.parent.session"
PARENT_SEQ = "lllm.parent.seq"
TASK = "lllm.task"
RESULT = "lllm.result"
DAMAGE = "lllm.damage"
STEP_NAME = "lllm.step.name"
# A span's event: one attempt at a model call that failed, as the log's event of this kind.
ATTEMPT_FAILED = "lllm.model.error"

# Who is asked, by the end of its host: the address tells more than a name that a user chose.
_PROVIDERS_BY_HOST = {
    "api.openai.com": "openai",
    "api.anthropic.com": "anthropic",
    "api.deepseek.com": "deepseek",
    "api.mistral.ai": "mistral_ai",
    "api.groq.com": "groq",
    "api.x.ai": "x_ai",
    "api.perplexity.ai": "perplexity",
    "api.cohere.com": "cohere",
    "api.cohere.ai": "cohere",
    "api.moonshot.ai": "moonshot_ai",
    "generativelanguage.googleapis.com": "gcp.gemini",
    "aiplatform.googleapis.com": "gcp.vertex_ai",
    "openai.azure.com": "azure.ai.openai",
    "services.ai.azure.com": "azure.ai.inference",
    "ml.cloud.ibm.com": "ibm.watsonx.ai",
}
_PROVIDERS_BY_NAME = {"mistral": "mistral_ai", "xai": "x_ai", "gemini": "gcp.gemini", "azure": "azure.ai.openai"}


def to_provider_name(name: str, base_url: str) -> str:
    """Return what the conventions call a provider: by its address, else by our name of it, else that name. Pure."""
    host = to_server(base_url)[0]
    for end, known in _PROVIDERS_BY_HOST.items():
        if host == end or host.endswith((f".{end}", f"-{end}")):  # the latter: Vertex AI's hosts of a region
            return known
    if host.startswith("bedrock-runtime.") and host.endswith(".amazonaws.com"):
        return "aws.bedrock"
    return _PROVIDERS_BY_NAME.get(name, name) or "unknown"


def to_error_type(told: str) -> str:
    """Return an error's name, which is few words at most, from its text, such as "ValueError: what was wrong". Pure."""
    name = told.partition(":")[0]
    return name if name.isidentifier() else "_OTHER"


def to_server(base_url: str) -> tuple[str, int | None]:
    """Return the host and the port of an address; an empty host and None where there is none. Pure."""
    try:
        parts = urlsplit(base_url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "", None
    if not host:
        return "", None
    return host, port or (443 if parts.scheme == "https" else 80)
