"""What users of lllm test their agents with, and what lllm tests itself with."""

from lllm.testing.models import function_model, isolated_registries, scripted_model

__all__ = ["function_model", "isolated_registries", "scripted_model"]
