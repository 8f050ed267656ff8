"""The application as one node of several. `service.py` is what `app.py` makes first."""
