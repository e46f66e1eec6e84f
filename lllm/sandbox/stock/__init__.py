"""Stock ipykernel in the same sandbox, for Jupyter's own users."""
