#!/usr/bin/env python3
"""An upper-case server with Python's ForkingTCPServer: a process for each connection.

    forking.py PORT        serves on 127.0.0.1 until SIGTERM
"""
import socketserver
import sys


class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        while data := self.request.recv(65536):
            self.request.sendall(data.upper())


class Server(socketserver.ForkingTCPServer):
    allow_reuse_address = True
    request_queue_size = 4096
    max_children = 100000


with Server(("127.0.0.1", int(sys.argv[1])), Handler) as server:
    print("ready", flush=True)
    server.serve_forever()
