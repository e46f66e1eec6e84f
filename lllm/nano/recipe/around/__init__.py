"""What stands around a question: system texts, forms of an answer, slips, errors, what is outside of the skill."""
