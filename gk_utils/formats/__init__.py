"""File formats of grounding data, one module a format; each reads and writes, and rejects a bad file by entry."""
