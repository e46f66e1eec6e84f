"""What nano computes: questions and their code, by kind. The tables of wordings are the files called ways."""
