"""lllm: agents whose every run can be replayed. This is the public face.

Importing it runs nothing and loads nothing heavy: each name is fetched from its room at first use. Here, on the roof,
is also decided what fills the registries (discovery, when a registry is asked for the first time) and the ports.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from lllm.registry import COMPUTER, DISCOVERER, MCP_CLIENTS, OUTSIDE

if TYPE_CHECKING:
    from lllm.clients import (
        AgentScheduler as AgentScheduler,
    )
    from lllm.clients import (
        CognitiveAgent as CognitiveAgent,
    )
    from lllm.clients import (
        CognitiveConfig as CognitiveConfig,
    )
    from lllm.clients import (
        CognitiveResult as CognitiveResult,
    )
    from lllm.clients import (
        LLMClient as LLMClient,
    )
    from lllm.clients import (
        LLMConfig as LLMConfig,
    )
    from lllm.clients import (
        LLMProvider as LLMProvider,
    )
    from lllm.clients import (
        LLMResponse as LLMResponse,
    )
    from lllm.clients import (
        MLXBackend as MLXBackend,
    )
    from lllm.clients import (
        MockBackend as MockBackend,
    )
    from lllm.clients import (
        OllamaBackend as OllamaBackend,
    )
    from lllm.clients import (
        Proposal as Proposal,
    )
    from lllm.clients import (
        RemoteBackend as RemoteBackend,
    )
    from lllm.clients import (
        ScheduledAgent as ScheduledAgent,
    )
    from lllm.clients import (
        acloud_complete as acloud_complete,
    )
    from lllm.clients import (
        alocal_complete as alocal_complete,
    )
    from lllm.clients import (
        cloud_complete as cloud_complete,
    )
    from lllm.clients import (
        get_llm_client as get_llm_client,
    )
    from lllm.clients import (
        local_complete as local_complete,
    )
    from lllm.config import load_project_config as load_project_config
    from lllm.const import (
        APITypes as APITypes,
    )
    from lllm.const import (
        CompletionCost as CompletionCost,
    )
    from lllm.const import (
        Features as Features,
    )
    from lllm.const import (
        Modalities as Modalities,
    )
    from lllm.const import (
        ModelCard as ModelCard,
    )
    from lllm.const import (
        Providers as Providers,
    )
    from lllm.const import (
        RCollections as RCollections,
    )
    from lllm.const import (
        Roles as Roles,
    )
    from lllm.const import (
        find_model_card as find_model_card,
    )
    from lllm.const import (
        register_model_card as register_model_card,
    )
    from lllm.discovery import auto_discover as auto_discover
    from lllm.errors import LLLMError as LLLMError
    from lllm.llm import (
        AGENT_REGISTRY as AGENT_REGISTRY,
    )
    from lllm.llm import (
        PROMPT_REGISTRY as PROMPT_REGISTRY,
    )
    from lllm.llm import (
        Agent as Agent,
    )
    from lllm.llm import (
        AgentBase as AgentBase,
    )
    from lllm.llm import (
        AsyncAgentBase as AsyncAgentBase,
    )
    from lllm.llm import (
        Dialog as Dialog,
    )
    from lllm.llm import (
        Limits as Limits,
    )
    from lllm.llm import (
        LLMCaller as LLMCaller,
    )
    from lllm.llm import (
        LLMResponder as LLMResponder,
    )
    from lllm.llm import (
        Prompts as Prompts,
    )
    from lllm.llm import (
        Session as Session,
    )
    from lllm.llm import (
        build_agent as build_agent,
    )
    from lllm.llm import (
        current_session as current_session,
    )
    from lllm.llm import (
        register_agent_class as register_agent_class,
    )
    from lllm.llm import (
        register_prompt as register_prompt,
    )
    from lllm.log import (
        LocalFileLog as LocalFileLog,
    )
    from lllm.log import (
        NoLog as NoLog,
    )
    from lllm.log import (
        ReplayableLogBase as ReplayableLogBase,
    )
    from lllm.log import (
        ReplaySession as ReplaySession,
    )
    from lllm.log import (
        build_log_base as build_log_base,
    )
    from lllm.models import (
        MCP as MCP,
    )
    from lllm.models import (
        Function as Function,
    )
    from lllm.models import (
        FunctionCall as FunctionCall,
    )
    from lllm.models import (
        Message as Message,
    )
    from lllm.models import (
        ParseError as ParseError,
    )
    from lllm.models import (
        Prompt as Prompt,
    )
    from lllm.proxies import (
        BaseProxy as BaseProxy,
    )
    from lllm.proxies import (
        Proxy as Proxy,
    )
    from lllm.proxies import (
        ProxyRegistrator as ProxyRegistrator,
    )
    from lllm.proxies import (
        get_proxy as get_proxy,
    )
    from lllm.proxies import (
        list_proxies as list_proxies,
    )
    from lllm.proxies import (
        load_builtin_proxies as load_builtin_proxies,
    )
    from lllm.proxies import (
        register_proxy as register_proxy,
    )
    from lllm.sandbox import (
        JupyterSandbox as JupyterSandbox,
    )
    from lllm.sandbox import (
        JupyterSession as JupyterSession,
    )
    from lllm.sandbox import (
        SandboxPolicy as SandboxPolicy,
    )
    from lllm.tools import (
        api_docs as api_docs,
    )
    from lllm.tools import (
        python_function as python_function,
    )
    from lllm.tools import (
        run_python as run_python,
    )
    from lllm.utils import PrintSystem as PrintSystem
    from lllm.utils import Secret as Secret
    from lllm.utils import StreamWrapper as StreamWrapper

_HOMES = {
    "lllm.clients": (
        "AgentScheduler CognitiveAgent CognitiveConfig CognitiveResult LLMClient LLMConfig LLMProvider LLMResponse "
        "MLXBackend MockBackend OllamaBackend Proposal RemoteBackend ScheduledAgent acloud_complete alocal_complete "
        "cloud_complete get_llm_client local_complete"
    ),
    "lllm.const": (
        "APITypes CompletionCost Features ModelCard Modalities Providers RCollections Roles find_model_card "
        "register_model_card"
    ),
    "lllm.config": "load_project_config",
    "lllm.discovery": "auto_discover",
    "lllm.errors": "LLLMError",
    "lllm.llm": (
        "AGENT_REGISTRY PROMPT_REGISTRY Agent AgentBase AsyncAgentBase Dialog LLMCaller LLMResponder Limits Prompts "
        "Session build_agent current_session register_agent_class register_prompt"
    ),
    "lllm.log": "LocalFileLog NoLog ReplayableLogBase ReplaySession build_log_base",
    "lllm.models": "MCP Function FunctionCall Message ParseError Prompt",
    "lllm.proxies": "BaseProxy Proxy ProxyRegistrator get_proxy list_proxies load_builtin_proxies register_proxy",
    "lllm.sandbox": "JupyterSandbox JupyterSession SandboxPolicy",
    "lllm.tools": "api_docs python_function run_python",
    "lllm.utils": "PrintSystem Secret StreamWrapper",
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}

__all__ = sorted(_HOME_OF)  # noqa: PLE0605 - one table, not two; the checker reads the block above  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> object:
    if name == "__version__":
        return import_module("lllm.const").VERSION
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module 'lllm' has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]


def _discover() -> object:
    return import_module("lllm.discovery").discover_once()


def _mcp_clients() -> object:
    return import_module("lllm.tools.mcp").MCPClients


def _computer() -> object:
    return import_module("lllm.tools.cua.config").build_functions


def _outside() -> object:
    return import_module("lllm.llm.outside")


DISCOVERER.run = _discover
OUTSIDE.load = _outside
MCP_CLIENTS.load = _mcp_clients
COMPUTER.load = _computer
