"""The recipe of nano, a tiny language model for demonstrations and tests; its weights do not come with lllm yet."""
