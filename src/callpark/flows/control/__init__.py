"""Amazon Connect's control plane: what an instance owns, made by the API or declared by the project."""
