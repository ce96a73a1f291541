"""A network camera on this computer."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import cv2

from bodypix_ros import media
from support.films import grey
from support.servers import serving


class Quiet:
    def log_message(self, *_):
        pass


class Lens:
    """A camera that sends JPEGs, as many per connection as `plan` says, and then hangs up or is silent."""

    def __init__(self, *plan, rate=100.0):
        self.plan, self.rate, self.connections, self.sent = list(plan), rate, 0, 0
        self.over = threading.Event()
        lens = self

        class Handler(Quiet, BaseHTTPRequestHandler):
            def do_GET(self):
                lens.connections += 1
                frames = lens.plan.pop(0) if lens.plan else 0
                if not frames:
                    self.send_error(503)
                    return
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=next")
                self.end_headers()
                for _ in range(frames):
                    lens.sent += 1
                    jpeg = cv2.imencode(".jpg", grey(lens.sent % 250))[1].tobytes()
                    head = f"--next\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                    try:
                        self.wfile.write(head.encode() + jpeg + b"\r\n")
                    except OSError:
                        return
                    if lens.over.wait(1 / lens.rate):
                        return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True

    def __enter__(self):
        self.context = serving(self.server)
        self.context.__enter__()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.context.__exit__(None, None, None)

    @property
    def source(self):
        (source,) = media.find_sources([f"http://me:secret@127.0.0.1:{self.server.server_port}/door.mjpg"])
        return source
