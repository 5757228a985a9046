"""The step loop: sources in, graph of tasks, sinks out."""
