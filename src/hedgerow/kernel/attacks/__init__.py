"""Attacks against a finished release, and the chances by which they are judged."""
