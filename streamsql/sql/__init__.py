"""SQL text in, bound statements out: the dialect, the parser, the binder."""
