"""How a kernel is shut in: what it may see, reach and call, by isolators from strong to none."""
