"""The control plane of Event APIs: made and changed through AppSync's v2 operations, beside those of a project."""
