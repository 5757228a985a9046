"""Formats: how records lie in files and messages."""
