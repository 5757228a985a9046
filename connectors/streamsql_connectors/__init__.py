"""Connectors that come with streamsql."""
