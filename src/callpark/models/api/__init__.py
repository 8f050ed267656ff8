"""Bedrock's operations: they translate, ask the service and watch whether the client is still there."""
