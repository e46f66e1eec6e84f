"""What the model is told, and what it may call."""

from lllm import Prompt
from lllm.tools import api_docs, run_python

analyst = Prompt(
    path="analyst",  # its key is analyst/analyst: the file's name stands before it
    prompt=(
        "You answer questions about the sales of a shop, with numbers that you have computed.\n"
        "Compute with run_python; never guess a number. Its kernel keeps variables from call to call.\n"
        "Code in it gets data from these endpoints by CALL_API(endpoint, params); api_docs tells more of each:\n\n"
        "{api_directory}\n\n"
        "End with one or two plain sentences."
    ),
    functions_list=[run_python, api_docs],
)
