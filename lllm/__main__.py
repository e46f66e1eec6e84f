"""``python -m lllm``."""

from lllm.cli import main

if __name__ == "__main__":
    main()
