"""State kernels: columnar state addressed by dense ids, and its snapshots."""
