"""A shop of flask, requests, psycopg2, SQLAlchemy, redis, pika, celery and gRPC under OpenTelemetry's instrumentations: each route is a run
that tests/libraries/record.py asks for. It writes its port, and ends when its input does. PG_URL, REDIS_URL, AMQP_URL and
PARTNER_URL say where the others are. A run of steps.json is spans that a program names itself."""
import functools
import json
import os
import pathlib
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.celery import CeleryInstrumentor
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.instrumentation.grpc import GrpcInstrumentorClient, GrpcInstrumentorServer
from opentelemetry.instrumentation.pika import PikaInstrumentor
from opentelemetry.instrumentation.psycopg2 import Psycopg2Instrumentor
from opentelemetry.instrumentation.redis import RedisInstrumentor
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
for instrumentor in (RequestsInstrumentor, Psycopg2Instrumentor, SQLAlchemyInstrumentor, RedisInstrumentor, PikaInstrumentor, CeleryInstrumentor,
                     GrpcInstrumentorServer, GrpcInstrumentorClient):
    instrumentor().instrument()

import celery  # noqa: E402  instrumented before it is imported
import flask  # noqa: E402
import grpc  # noqa: E402
import pika  # noqa: E402
import psycopg2  # noqa: E402
import redis  # noqa: E402
import requests  # noqa: E402
import sqlalchemy  # noqa: E402
from celery.contrib.testing.worker import start_worker  # noqa: E402
from werkzeug.serving import make_server  # noqa: E402

PG_URL, REDIS_URL, AMQP_URL, PARTNER_URL = (os.environ[name] for name in ("PG_URL", "REDIS_URL", "AMQP_URL", "PARTNER_URL"))
tracer = trace.get_tracer("shop")
app = flask.Flask("shop")
FlaskInstrumentor().instrument_app(app)
database = psycopg2.connect(PG_URL)
database.autocommit = True
engine = sqlalchemy.create_engine(PG_URL.replace("postgresql:", "postgresql+psycopg2:"), isolation_level="AUTOCOMMIT")
cache = redis.Redis.from_url(REDIS_URL)
tasks = celery.Celery("shop", broker=AMQP_URL)
tasks.conf.broker_connection_retry_on_startup = True


@tasks.task(name="shop.ship")
def ship(fails):
    if fails:
        raise ValueError("not today")


def query(text, values=None):
    with database.cursor() as cursor:
        cursor.execute(text, values)


def layered(text, **values):
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text(text), values)


def step(name, **attributes):
    tracer.start_span(name, attributes={key.replace("__", "."): value for key, value in attributes.items()}).end()


def own_steps(steps):
    """Spans that a program names itself, one after the other."""
    for name, attributes, *more in steps:
        with tracer.start_as_current_span(name, kind=trace.SpanKind.CLIENT if "client" in more else trace.SpanKind.INTERNAL, attributes=attributes) as span:
            if "error" in more:
                span.set_status(trace.StatusCode.ERROR)


def get(path, **more):
    return requests.get(PARTNER_URL + path, timeout=5, **more)


def limited():
    get("/limited")
    time.sleep(0.3)
    get("/ok")


def escaped():
    with tracer.start_as_current_span("job") as span:
        span.record_exception(ValueError("not today"), escaped=True)


def metadata():
    """The partner takes it as a proxy would: nothing leaves this machine."""
    requests.get("http://169.254.169.254/latest/meta-data/", timeout=5, proxies={"http": PARTNER_URL})


def while_rendering():
    with tracer.start_as_current_span("render cart.html"):
        query("SELECT name FROM items WHERE id = %s", (1,))


def stock_service():
    """A channel to a gRPC service in this process, whose messages are plain bytes."""
    methods = {"Get": lambda request, _: request, "Wait": lambda request, _: (time.sleep(0.4), request)[1]}
    service = grpc.method_handlers_generic_handler("shop.Stock", {name: grpc.unary_unary_rpc_method_handler(run) for name, run in methods.items()})
    stock = grpc.server(ThreadPoolExecutor(4), handlers=[service])
    port = stock.add_insecure_port("127.0.0.1:0")
    stock.start()
    return stock, grpc.insecure_channel(f"127.0.0.1:{port}")


def call(method, limit=5):
    try:
        channel.unary_unary(f"/shop.Stock/{method}")(b"", timeout=limit)
    except grpc.RpcError:
        pass


def ship_it(_channel):
    step("shipment.create")


def send(queue, messages, handle=ship_it):
    """Sends messages, and handles as many of that queue."""
    connection = pika.BlockingConnection(pika.URLParameters(AMQP_URL))
    channel = connection.channel()
    channel.queue_declare(queue, durable=True)
    channel.queue_purge(queue)
    left = list(messages)

    def consume(_channel, method, _properties, _body):
        try:
            handle(channel)
        finally:
            channel.basic_ack(method.delivery_tag)
            left.pop()
            if not left:
                channel.stop_consuming()

    channel.basic_consume(queue, consume)
    for message in messages:
        channel.basic_publish("", queue, b"{}", pika.BasicProperties(message_id=message))
    try:
        channel.start_consuming()
    except ValueError:
        pass
    finally:
        connection.close()


def fail(*_):
    raise ValueError("not today")


def publish(queue, count=1):
    connection = pika.BlockingConnection(pika.URLParameters(AMQP_URL))
    channel = connection.channel()
    channel.queue_declare(queue, durable=True)
    for _ in range(count):
        channel.basic_publish("", queue, b"{}")
    connection.close()


def transaction(work):
    query("BEGIN")
    query("INSERT INTO orders (item) VALUES (%s)", ("lamp",))
    work()
    query("COMMIT")


def right():
    query("SELECT name FROM items WHERE id = %s", (1,))
    cache.get("item:1")
    get("/ok?item=1")
    transaction(lambda: None)
    send("orders", ["a"])


def retried():
    get("/flaky")
    time.sleep(0.04)
    get("/flaky")


def dead_letter():
    def handle(channel):
        channel.queue_declare("orders-dlq", durable=True)
        channel.basic_publish("", "orders-dlq", b"{}", pika.BasicProperties(message_id="a"))
        step("shipment.create")
        fail()
    send("orders", ["a"], handle)


def times(count, work):
    for number in range(count):
        work(number)


def n_plus_one(ask, first, each):
    ask(first)
    times(31, lambda number: each(number))


def storm(_number):
    get("/down")
    time.sleep(0.12)


def security_code():
    step("payment.authorize")
    query("INSERT INTO cards (cvv) VALUES (%s)", ("123",))


def hidden_failure(ask):
    try:
        ask("SELECT id FROM no_such_table")
    except (psycopg2.Error, sqlalchemy.exc.SQLAlchemyError):
        pass


def gave_up():
    try:
        requests.get(f"http://127.0.0.1:{server.server_port}/works-on", timeout=0.1)
    except requests.RequestException:
        time.sleep(1.6)


def denied_then_read():
    step("authz.check", authz__decision="deny")
    query("SELECT name FROM items WHERE id = %s", (1,))


def by_celery(*fails):
    for one in fails:
        ship.delay(one)
    time.sleep(0.7)


ROUTES = {
    "right": right,
    "right-16-queries": lambda: times(16, lambda n: query(f"SELECT name, {n} FROM items WHERE id = %s", (n,))),
    "right-16-layered": lambda: times(16, lambda n: layered(f"SELECT name, {n} FROM items WHERE id = :id", id=n)),
    "right-retried": retried,
    "right-waits-for-list": lambda: cache.blpop("nothing", 1.1),
    "right-dead-letter": dead_letter,
    "right-celery": lambda: by_celery(False),
    "n-plus-one": lambda: n_plus_one(query, "SELECT id FROM items", lambda n: query("SELECT name FROM items WHERE id = %s", (n,))),
    "n-plus-one-layered": lambda: n_plus_one(layered, "SELECT id FROM items", lambda n: layered("SELECT name FROM items WHERE id = :id", id=n)),
    "cache-loop": lambda: times(51, lambda n: cache.get(f"item:{n}")),
    "single-writes": lambda: times(51, lambda _: query("INSERT INTO orders (item) VALUES (%s)", ("lamp",))),
    "same-host": lambda: times(21, lambda _: get("/ok")),
    "not-retried": lambda: get("/down"),
    "hammer": lambda: times(5, lambda _: get("/limited")),
    "right-limited": limited,
    "retry-storm": lambda: times(5, storm),
    "secret-in-url": lambda: None,
    "secret-in-call": lambda: get("/ok?api_key=abc"),
    "card-in-url": lambda: None,
    "plain-http": lambda: requests.get(PARTNER_URL.replace("127.0.0.1", "0.0.0.0") + "/ok", timeout=5),
    "exception-escaped": escaped,
    "never-processed": lambda: publish("payments"),
    "metadata": metadata,
    "while-rendering": while_rendering,
    "right-rpc": lambda: call("Get"),
    "rpc-loop": lambda: times(21, lambda _: call("Get")),
    "rpc-deadline": lambda: call("Wait", 0.1),
    "drop": lambda: query("DROP TABLE IF EXISTS tmpx"),
    "drop-layered": lambda: layered("DROP TABLE IF EXISTS tmpx"),
    "card-in-query": lambda: query("SELECT 1 WHERE '4111111111111111' = '2'"),
    "password-in-query": lambda: query("SELECT id FROM users WHERE password = 'hunter2'"),
    "security-code": security_code,
    "hidden-failure": lambda: hidden_failure(query),
    "slow-query": lambda: query("SELECT pg_sleep(1.1)"),
    "slow-request": lambda: time.sleep(5.1),
    "gave-up": gave_up,
    "works-on": lambda: time.sleep(1.4),
    "sent-before-commit": lambda: transaction(lambda: publish("early")),
    "processed-twice": lambda: send("orders", ["a", "a"]),
    "processed-four-times": lambda: send("orders", ["a"] * 4),
    "no-dead-letter": lambda: send("orders", ["a"], fail),
    "no-dead-letter-celery": lambda: by_celery(True),
    "loop": lambda: send("orders", ["a"], lambda channel: channel.basic_publish("", "orders", b"{}", pika.BasicProperties(message_id="b"))),
    "fan-out": lambda: publish("early", 101),
    "denied-then-read": denied_then_read,
    "admin/unchecked": lambda: None,
    "admin/right": lambda: step("authz.check"),
    "fails": fail,
}
STEPS = json.loads((pathlib.Path(__file__).parents[1] / "steps.json").read_text(encoding="utf-8"))
ROUTES.update((name, functools.partial(own_steps, steps)) for name, steps in STEPS.items())


def route(run):
    def answer():
        run()
        return "ok"
    return answer


for name, run in ROUTES.items():
    app.add_url_rule(f"/{name}", name, route(run))
stock_server, channel = stock_service()
server = make_server("127.0.0.1", 0, app, threaded=True)

if __name__ == "__main__":
    with start_worker(tasks, perform_ping_check=False, pool="solo", loglevel="ERROR"):
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(server.server_port, flush=True)
        sys.stdin.read()
        provider.shutdown()
        os._exit(0)
