"""The recipe of nano, a tiny language model for demonstrations and tests; its weights are not among lllm's files yet."""
