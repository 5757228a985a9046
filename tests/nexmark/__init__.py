"""Nexmark's queries are right."""
