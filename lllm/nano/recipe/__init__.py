"""How nano is made: the chats that it learns from, its tokenizer, its training. Nothing here is used at run time."""
