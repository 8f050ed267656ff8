"""Native bodies: what InvokeModel takes and gives, one file for each model family. All pure."""
