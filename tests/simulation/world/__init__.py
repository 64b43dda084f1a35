"""The whole, in virtual time: the real services on loops, sockets and a disk that a seed decides about."""
