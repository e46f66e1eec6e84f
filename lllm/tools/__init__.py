"""What agents work with beside models: servers of functions."""
