"""The core on a bench: one machine, its commits in our hands, and instances that are the SDK's own sessions."""
