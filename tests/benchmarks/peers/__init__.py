"""The systems that are measured beside ours: a module for each, which its worker imports too."""
