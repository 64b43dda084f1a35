"""Sockets for the messages: drained on the running loop, request and reply, publish and subscribe."""
