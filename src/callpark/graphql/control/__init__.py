"""AppSync's control plane: APIs made and changed through its operations, beside those that a project declares."""
