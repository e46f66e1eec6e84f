"""From a model's text to a value, or to a text that tells the model what to mend.

Pure, and linear in the length of the reply whatever the reply holds.
"""

from lllm.parsing.blocks import find_md_blocks, find_xml_blocks
from lllm.parsing.faults import render_faults
from lllm.parsing.json_model import JsonParser
from lllm.parsing.tags import TagParser

__all__ = ["JsonParser", "TagParser", "find_md_blocks", "find_xml_blocks", "render_faults"]
