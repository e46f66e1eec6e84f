"""Programs that run inside a sandbox, by path. They import nothing of lllm."""
