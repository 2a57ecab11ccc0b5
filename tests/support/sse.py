"""Reads server-sent events from a running service. Standard library only."""
import http.client
import json


class Event:
    """name, id (None without one), data (parsed JSON)."""

    def __init__(self, name, event_id, data):
        self.name, self.id, self.data = name, event_id, data

    def __repr__(self):
        return f"<{self.name} {self.id} {str(self.data)[:80]}>"


class EventStream:
    """A stream as a context manager: iterate over it for its events. `last_id` is what a reader would send to go on."""

    def __init__(self, server, path, last_id=None, method="GET", body=None, timeout=120):
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=timeout)
        headers = {"Accept": "text/event-stream"}
        if last_id is not None:
            headers["Last-Event-ID"] = last_id
        self.connection.request(method, path, body=json.dumps(body) if body is not None else None, headers=headers)
        self.response = self.connection.getresponse()
        self.status, self.last_id = self.response.status, last_id

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.response.close()
        self.connection.close()

    def __iter__(self):
        name, event_id, data = "message", None, []
        for line in self.response:
            line = line.decode().rstrip("\n")
            if not line:
                if data:
                    self.last_id = event_id if event_id is not None else self.last_id
                    yield Event(name, event_id, json.loads("\n".join(data)))
                name, event_id, data = "message", None, []
                continue
            field, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if field == "event":
                name = value
            elif field == "id":
                event_id = value
            elif field == "data":
                data.append(value)
