"""Notebooks on the disk whose cells run in the sandbox."""
