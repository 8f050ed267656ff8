"""Amazon Bedrock's runtime: models that answer, token by token, on a real backend or on a script."""
