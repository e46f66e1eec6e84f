"""What the tests of the sandbox share."""

from kernels import isolator, kernel, start

__all__ = ["isolator", "kernel", "start"]
