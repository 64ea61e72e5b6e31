"""Ciphers of old systems: read once, to bring their data in; never used to write.

``ciphers`` names them and refuses them for new data; ``opening`` opens what they left.
"""
