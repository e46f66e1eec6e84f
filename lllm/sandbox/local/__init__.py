"""A kernel on this machine, from the host's side: its process, its frames, its cells, and who watches it."""
