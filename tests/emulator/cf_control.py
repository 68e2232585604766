"""The control channel: a plain listener of its own through which other programs look and change."""

import http.server
import json
import threading
import urllib.parse

import cf_faults

PREFIX = "/__control/"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def dispatch(self):
        emulator = self.server.emulator
        path, _, text = self.path.partition("?")
        query = dict(urllib.parse.parse_qsl(text))
        length = int(self.headers.get("Content-Length") or 0)
        try:
            body = json.loads(self.rfile.read(length)) if length else {}
            parts = path.removeprefix(PREFIX).split("/")
            call = getattr(self, "_".join([self.command.lower(), parts[0]]), None)
            if not path.startswith(PREFIX) or call is None:
                self.reply(404, {"error": "no such call"})
                return
            with emulator.lock:
                value = call(emulator, query, body, *parts[1:])
            self.reply(200, value)
        except (KeyError, TypeError, ValueError) as error:
            self.reply(400, {"error": "%s: %s" % (type(error).__name__, error)})

    do_GET = do_POST = do_DELETE = dispatch

    def get_audit(self, emulator, query, _):
        first = int(query.get("from", "1"))
        return [entry for entry in emulator.audit if entry["n"] >= first]

    def get_violations(self, emulator, _query, _body):
        return emulator.violations

    def get_counters(self, emulator, _query, _body):
        return emulator.counters

    def get_records(self, emulator, query, _):
        return emulator.records(query.get("name"), query.get("type"), query.get("zone"))

    def get_rrset(self, emulator, query, _):
        return emulator.rrset(query["name"], query.get("type", "TLSA"))

    def get_faults(self, emulator, _query, _body):
        return [fault.as_json() for fault in emulator.unused_faults()]

    def post_faults(self, emulator, _query, body):
        return emulator.fault(cf_faults.parse(body)).as_json()

    def delete_faults(self, emulator, _query, _body):
        emulator.clear_faults()
        return {}

    def post_records(self, emulator, _query, body):
        return {"id": emulator.add_record(**body)}

    def delete_records(self, emulator, _query, _body, id):
        emulator.remove(id)
        return {"id": id}

    def post_set(self, emulator, _query, body):
        if "now" in body:
            raise ValueError("now is a function: set date")
        emulator.set(**body)
        return {}

    def post_reset(self, emulator, _query, _body):
        emulator.reset()
        return {}


class Control:
    def __init__(self, emulator, port=0):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.server.emulator = emulator
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True,
                                       kwargs={"poll_interval": 0.1})
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
