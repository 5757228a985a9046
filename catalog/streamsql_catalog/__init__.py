"""Catalogs that come with streamsql."""
