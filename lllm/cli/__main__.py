"""``python -m lllm.cli``."""

from lllm.cli import main

if __name__ == "__main__":
    main()
