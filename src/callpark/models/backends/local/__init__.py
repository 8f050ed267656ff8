"""Models that run on this machine, each in a process of its own: what crashes or hangs there does not take us along.

`model.py` is the backend, `process.py` our side of one process, `messages.py` what both sides say, `worker.py` the
process, `llama.py` and `minilm.py` what runs in it.
"""
