"""Physical operators, one a module."""
