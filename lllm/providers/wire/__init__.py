"""Wire formats: what is asked and what is answered, as bytes. Everything in this room is pure.

One format is a pair of files: ``<api>_request`` turns a ModelRequest into one HTTP request, ``<api>_reply`` turns an
answer into one Message, whole or while it arrives. `formats` is the table of them; `profile` says how servers of one
format differ.
"""
