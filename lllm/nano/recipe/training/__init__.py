"""From chats to weights, and to files that others read. It needs PyTorch, which nothing else does."""
