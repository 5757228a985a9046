"""Plan rewrites, one rule a module."""
