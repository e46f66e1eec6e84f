"""Which functions are offered beside the one that runs code, and what is asked of them."""
