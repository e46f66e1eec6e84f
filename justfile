# What CI runs is `just check`; what a developer runs is the same.

export PATH := justfile_directory() / ".venv/bin:" + env("PATH")
export LLLM_AUTO_DISCOVER := "0"

# Everything: format, lint, types, house rules, tests with coverage, docs.
check: gates test

# All that runs no test.
[parallel]
gates: lint types house

# Format and lint.
lint:
    ruff format --check .
    ruff check .

# pyright strict on the package.
types:
    pyright

# Who may import whom.
house:
    lint-imports --no-cache

# The tests of floors 0 to 3, which cover every branch of these floors; the longest of them begin first.
floors := "tests/machine tests/models tests/otel tests/floor0 tests/floor1"

# All tests but those that need minutes or a foreign server. What counts branches doubles the time of what it watches.
test *ARGS:
    pytest -n auto --cov --cov-report= {{floors}}
    coverage report --fail-under=100 --skip-covered --include='lllm/const.py,lllm/errors.py,lllm/utils.py,lllm/registry.py,lllm/config/*,lllm/otel/*,lllm/parsing/*,lllm/models/*,lllm/machine/*'
    pytest -n auto {{prepend("--ignore=", floors)}} {{ARGS}}

# How much of the package the tests reach, file by file.
coverage *ARGS:
    pytest -n auto --cov --cov-report= {{ARGS}}
    coverage report --skip-covered --sort=cover

# The long proofs, each with its small default replaced by the full size.
heavy *ARGS:
    pytest -m heavy {{ARGS}}

# Against servers that somebody else wrote; they are skipped, with a reason, where they are absent. LLLM_MLX_PYTHON and
# LLLM_LITELLM_PYTHON name interpreters that have mlx-lm and litellm[proxy], LLLM_MCP_PYTHON one with public MCP servers.
servers *ARGS:
    pytest -m server -rs {{ARGS}}

# Mend what a tool can mend.
fix:
    ruff format .
    ruff check --fix .

# Write the lock file anew, from pyproject.toml.
lock:
    uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -o requirements.lock

# The wheel and the sdist.
build:
    python -m build
