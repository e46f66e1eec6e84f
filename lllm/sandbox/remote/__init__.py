"""A kernel on another machine, behind a Jupyter gateway."""
