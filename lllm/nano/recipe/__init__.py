"""How nano was made: the chats that it learned from, its tokenizer, its training. Nothing here is used at run time."""
