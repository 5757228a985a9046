"""streamsql: streaming SQL over Arrow, in your process."""
