"""Typed expressions: types, nodes, functions and their compilation to kernels."""
