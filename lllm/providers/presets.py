"""Servers that are known by name, as data. ``[llm.<name>]`` in ``lllm.toml`` changes them or adds others.

Addresses and the names of keys are those that each service documents (read 2026-11); model names change more often than
releases of ours, so a preset's model is no more than a first guess.
"""

from __future__ import annotations

from lllm.providers.wire.profile import Profile

_PROFILES = (
    Profile(
        name="openai",
        base_url="https://api.openai.com/v1",
        base_url_env="OPENAI_BASE_URL",
        api_key_env="OPENAI_API_KEY",
        model="gpt-4o-mini",
        max_tokens_field="max_completion_tokens",
    ),
    Profile(
        name="anthropic",
        api="anthropic",
        base_url="https://api.anthropic.com",
        base_url_env="ANTHROPIC_BASE_URL",
        api_key_env="ANTHROPIC_API_KEY",
        key_header="x-api-key",
        headers=(("anthropic-version", "2023-06-01"),),
        model="claude-haiku-4-5",
    ),
    # Its reasoning models refuse a dialog with function calls whose reasoning is not sent back.
    Profile(
        name="deepseek",
        base_url="https://api.deepseek.com/v1",
        api_key_env="DEEPSEEK_API_KEY",
        model="deepseek-chat",
        json_mode="json_object",
        send_reasoning=True,
    ),
    Profile(
        name="mistral",
        base_url="https://api.mistral.ai/v1",
        api_key_env="MISTRAL_API_KEY",
        model="mistral-small-latest",
        stream_usage=False,  # it sends the usage unasked, and refuses the question
        # "Unexpected role 'user' after role 'tool'" (NousResearch/hermes-agent, issue 20154, read 2026-11).
        bridge_results=True,
    ),
    Profile(name="together", base_url="https://api.together.xyz/v1", api_key_env="TOGETHER_API_KEY"),
    Profile(name="groq", base_url="https://api.groq.com/openai/v1", api_key_env="GROQ_API_KEY"),
    Profile(name="openrouter", base_url="https://openrouter.ai/api/v1", api_key_env="OPENROUTER_API_KEY"),
    Profile(name="xai", base_url="https://api.x.ai/v1", api_key_env="XAI_API_KEY"),
    Profile(
        name="gemini",
        base_url="https://generativelanguage.googleapis.com/v1beta/openai",
        api_key_env="GEMINI_API_KEY",
    ),
    Profile(name="local", base_url="http://localhost:8000/v1"),
    Profile(name="vllm", base_url="http://localhost:8000/v1"),
    Profile(name="llamacpp", base_url="http://localhost:8080/v1"),
    Profile(name="lmstudio", base_url="http://localhost:1234/v1"),
    Profile(
        name="ollama",
        api="ollama",
        base_url="http://localhost:11434",
        base_url_env="OLLAMA_HOST",
        model="llama3",
    ),
)
PRESETS = {profile.name: profile for profile in _PROFILES}
