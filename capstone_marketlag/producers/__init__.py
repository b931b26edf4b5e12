"""Producers: AWS Lambda handlers, run locally by a scheduler on virtual or wall time."""
