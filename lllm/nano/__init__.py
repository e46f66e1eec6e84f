"""nano, a tiny language model for demonstrations and tests: its weights (``model``), and its making (``recipe``)."""
