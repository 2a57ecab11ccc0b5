"""Servers for tests/libraries/record.py. PostgreSQL, Redis and RabbitMQ are Debian's, on loopback, each with a data folder of its own. A partner
answers HTTP as it is asked, and a model says what its script says. All of them end with the recorder. Standard library only."""
import contextlib
import glob
import http.server
import json
import os
import pathlib
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from betrace_process import _die_with_parent  # noqa: E402

PACKAGES = {"postgresql": "/usr/lib/postgresql/*/bin/postgres", "redis-server": "/usr/bin/redis-server",
            "rabbitmq-server": "/usr/lib/rabbitmq/bin/rabbitmq-server"}
TABLES = """CREATE TABLE items (id int, name text); CREATE TABLE orders (item text); CREATE TABLE users (id int, password text);
CREATE TABLE cards (cvv text); INSERT INTO items SELECT n, 'lamp ' || n FROM generate_series(1, 40) n;"""


def install_packages():
    """Installs what is missing, as root; says so where the user is another."""
    missing = [name for name, program in PACKAGES.items() if not glob.glob(program)]
    if missing and os.getuid() != 0:
        raise SystemExit(f"missing packages; run as root: apt-get install -y --no-install-recommends {' '.join(missing)}")
    if missing:
        quiet = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
        subprocess.run(["apt-get", "update", "-qq"], check=True, env=quiet)
        subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing], check=True, env=quiet, stdout=sys.stderr)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port, process, name):
    for _ in range(1200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise SystemExit(f"{name} does not take connections; its log is in the recorder's folder")


class Servers:
    """A context: the addresses of the servers as environment variables of a program."""

    def __init__(self, folder):
        self.folder, self.running = pathlib.Path(folder), []

    def __enter__(self):
        try:
            return {"PG_URL": self.postgres(), "REDIS_URL": self.redis(), "AMQP_URL": self.rabbit(), "PARTNER_URL": serve(Partner),
                    "MODEL_URL": serve(Model) + "/v1"}
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_):
        for process, how in reversed(self.running):
            os.killpg(process.pid, how)
            process.wait(30)

    def start(self, name, command, how=signal.SIGTERM, env=None):
        """Begins a process in a group of its own, so that what it starts ends with it."""
        def alone():
            os.setsid()
            _die_with_parent()
        with open(self.folder / f"{name}.log", "wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, preexec_fn=alone, env=env)
        self.running.append((process, how))
        return process

    def postgres(self):
        data, port = self.folder / "postgres", free_port()
        programs = pathlib.Path(sorted(glob.glob(PACKAGES["postgresql"]))[-1]).parent
        data.mkdir()
        as_user = []
        if os.getuid() == 0:
            as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
            shutil.chown(data, "postgres", "postgres")
        user = "postgres" if as_user else pwd.getpwuid(os.getuid()).pw_name
        subprocess.run([*as_user, programs / "initdb", "-A", "trust", "-U", "shop", "-D", data], check=True, stdout=subprocess.DEVNULL, cwd="/",
                       env=dict(os.environ, LC_ALL="C.UTF-8", USER=user))
        process = self.start("postgres", [*as_user, programs / "postgres", "-D", data, "-p", str(port), "-h", "127.0.0.1", "-k", ""], signal.SIGINT)
        wait_for(port, process, "postgres")
        url = f"postgresql://shop@127.0.0.1:{port}/postgres"
        for _ in range(100):
            if subprocess.run([programs / "psql", "-q", url, "-c", TABLES], check=False, stderr=subprocess.DEVNULL).returncode == 0:
                return url
            time.sleep(0.1)
        raise SystemExit("postgres takes no statements")

    def redis(self):
        port = free_port()
        process = self.start("redis", [PACKAGES["redis-server"], "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self.folder)])
        wait_for(port, process, "redis")
        return f"redis://127.0.0.1:{port}/0"

    def rabbit(self):
        home, port, mapper = self.folder / "rabbit", free_port(), free_port()
        home.mkdir()
        self.start("epmd", ["/usr/bin/epmd", "-address", "127.0.0.1", "-port", str(mapper)])
        (home / "rabbitmq.conf").write_text(f"listeners.tcp.local = 127.0.0.1:{port}\nlog.console = true\n", encoding="ascii")
        (home / "plugins").write_text("[].\n", encoding="ascii")
        env = dict(os.environ, HOME=str(home), RABBITMQ_NODENAME=f"bed{port}@localhost", RABBITMQ_MNESIA_BASE=str(home / "data"), ERL_EPMD_PORT=str(mapper),
                   RABBITMQ_LOG_BASE=str(home), RABBITMQ_CONF_ENV_FILE="/dev/null", RABBITMQ_CONFIG_FILE=str(home / "rabbitmq.conf"),
                   RABBITMQ_ENABLED_PLUGINS_FILE=str(home / "plugins"), RABBITMQ_DIST_PORT=str(free_port()), ERL_EPMD_ADDRESS="127.0.0.1",
                   RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="-kernel inet_dist_use_interface {127,0,0,1}")
        wait_for(port, self.start("rabbit", [PACKAGES["rabbitmq-server"]], signal.SIGKILL, env), "rabbitmq")
        return f"amqp://guest:guest@127.0.0.1:{port}"


def serve(handler):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_address[1]}"


class Partner(http.server.BaseHTTPRequestHandler):
    """Another company's service, without traces: /ok, /down, /limited, and /flaky, which fails every other time."""
    protocol_version = "HTTP/1.1"
    flaky = 0

    def log_message(self, *_):
        pass

    def do_GET(self):
        path = self.path.split("?")[0]
        if path == "/flaky":
            Partner.flaky += 1
        code = {"/down": 503, "/limited": 429, "/flaky": 503 if Partner.flaky % 2 else 200}.get(path, 200)
        self.send_response(code)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")


def next_answer(asked):
    """What the model says: its script is the JSON in the first user's message, and one tool is called for each answer that it gave before."""
    said = asked.get("messages") or asked["input"]
    text = next(message for message in said if message.get("role") == "user")["content"]
    script = json.loads(re.search(r"SCRIPT(\{.*\})END", text if isinstance(text, str) else text[0]["text"])[1])
    before = sum(1 for message in said if message.get("role") == "assistant" or message.get("type") == "function_call")
    message, finish = {"role": "assistant", "content": "done"}, script.get("last", "stop")
    if before < len(script["tools"]):
        name, arguments = script["tools"][before]
        call = {"id": f"c{before}", "type": "function", "index": 0, "function": {"name": name, "arguments": json.dumps(arguments)}}
        message, finish = {"role": "assistant", "content": None, "tool_calls": [call]}, script.get("finish", "tool_calls")
    tokens = script.get("tokens", 120)
    return message, finish, {"prompt_tokens": tokens, "completion_tokens": 20, "total_tokens": tokens + 20}


def as_response(asked, message, finish, usage):
    """The same answer as OpenAI's API for responses says it."""
    reason = {"length": "max_output_tokens", "content_filter": "content_filter"}.get(finish)
    status = "incomplete" if reason else "completed"
    output = [{"type": "message", "id": "m", "role": "assistant", "status": status,
               "content": [{"type": "output_text", "text": message["content"], "annotations": []}]}] if message["content"] else []
    output += [{"type": "function_call", "id": f"f{call['id']}", "call_id": call["id"], "status": status, **call["function"]}
               for call in message.get("tool_calls", [])]
    return {"id": f"resp_{zlib.crc32(json.dumps(asked).encode()):08x}", "object": "response", "created_at": 1, "model": asked["model"], "status": status, "output": output, "error": None,
            "incomplete_details": {"reason": reason} if reason else None, "parallel_tool_calls": False, "tool_choice": "auto", "tools": [],
            "max_output_tokens": asked.get("max_output_tokens"),
            "usage": {"input_tokens": usage["prompt_tokens"], "input_tokens_details": {"cached_tokens": 0}, "output_tokens": usage["completion_tokens"],
                      "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": usage["total_tokens"]}}


class Model(http.server.BaseHTTPRequestHandler):
    """A model behind OpenAI's APIs for chats, whole and in parts, and for responses. As a proxy it is one at every address."""
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        message, finish, usage = next_answer(asked)
        same = {"id": "x", "created": 1, "model": asked["model"]}
        if "input" in asked:
            body, kind = json.dumps(as_response(asked, message, finish, usage)), "application/json"
        elif asked.get("stream"):
            parts = [{**same, "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": message, "finish_reason": None}]},
                     {**same, "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {}, "finish_reason": finish}]},
                     {**same, "object": "chat.completion.chunk", "choices": [], "usage": usage}]
            body, kind = "".join(f"data: {json.dumps(part)}\n\n" for part in parts) + "data: [DONE]\n\n", "text/event-stream"
        else:
            for call in message.get("tool_calls", []):
                del call["index"]
            body = json.dumps({**same, "object": "chat.completion", "choices": [{"index": 0, "message": message, "finish_reason": finish}], "usage": usage})
            kind = "application/json"
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())
