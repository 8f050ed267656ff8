"""HTTP/2 on the gateway's port, for clients that speak nothing else: AWS's SDK for JavaScript asks Bedrock's runtime by
it, without TLS and without asking whether the server can.

`connection.py` is the conversation as requests and answers, on the library h2; `protocol.py` puts it before an ASGI
application. Everybody else is better served by HTTP/1.1; TLS clients that know both are given that.
https://www.rfc-editor.org/rfc/rfc9113
"""
