"""Converse's shapes: requests in, answers and events out. All pure."""
