"""Programs that run inside a sandbox, by path; they import nothing of lllm. The host uses their facts, not their walls."""
