"""A teacher that costs nothing: an OpenAI-compatible server that reads the scene inside the picture.

It is a process of its own behind a base URL; nothing in the product knows that it is not a real model.
"""
