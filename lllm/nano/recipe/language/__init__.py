"""How people put things: words, names, numbers, frames around an order or a noun phrase, casing, typos."""
