"""What every kernel meets on the host, wherever it runs: a reader that believes nothing, a broker, and plain words."""
