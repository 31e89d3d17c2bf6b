"""A small web server that compresses, as the hosts of books do, and says what it sent."""

import gzip
import http.server
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

PACKED = (".html", ".css", ".js", ".json", ".svg", ".txt", ".xml")


@cache
def body(path):
    """A file's bytes as they travel, and whether gzip has packed them."""
    content = path.read_bytes()
    if path.suffix in PACKED:
        return gzip.compress(content, 6, mtime=0), True
    return content, False


@dataclass
class Server:
    """Where the folder is served, and what was asked for: (path, bytes)."""

    address: str
    sent: list = field(default_factory=list)


@contextmanager
def serve(folder):
    """Serve a folder on a free port of this machine, until the block ends."""
    folder = Path(folder)

    class Handler(http.server.SimpleHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            name = unquote(urlsplit(self.path).path).lstrip("/") or "index.html"
            path = folder / name
            if not path.is_file():
                return self.send_error(404)
            content, packed = body(path)
            server.sent.append((name, len(content)))
            self.send_response(200)
            self.send_header("Content-Type", self.guess_type(path))
            self.send_header("Content-Length", str(len(content)))
            if packed:
                self.send_header("Content-Encoding", "gzip")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    class Quiet(http.server.ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request, address):  # a page that was closed while it loaded
            pass

    http_server = Quiet(("127.0.0.1", 0), Handler)
    server = Server(f"http://127.0.0.1:{http_server.server_port}")
    threading.Thread(target=http_server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        http_server.shutdown()
        http_server.server_close()
