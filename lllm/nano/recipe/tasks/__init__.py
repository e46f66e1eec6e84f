"""What nano computes: questions and their code, by kind.

Wordings stand in the folder ``ways``, and in code where they are put together from parts.
"""
