"""HTTP/2 on the gateway's port, for clients that speak nothing else: AWS's SDK for JavaScript asks Bedrock's runtime by
it, without TLS and without asking whether the server can.

`hpack.py` and `huffman.py` are headers, `connection.py` is the conversation (pure), `protocol.py` puts it before an
ASGI application. Everybody else is better served by HTTP/1.1; TLS clients that know both are given that.
https://www.rfc-editor.org/rfc/rfc9113
"""
