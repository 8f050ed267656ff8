"""Who answers: one file (or room) per kind of backend behind the port in `port.py`."""
