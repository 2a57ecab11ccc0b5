"""Two checkouts, written by exporters of the OpenTelemetry SDK for Python: shop.py FORM FILE.

otlp is the file exporter, one signal a file. signals is one file that takes spans, logs and metrics. zipkin is what the
exporter for Zipkin sends. console is ConsoleSpanExporter, which prints.
"""
import logging
import sys
import time
import types

from opentelemetry import trace
from opentelemetry.exporter.otlp.json.file import FileSpanExporter
from opentelemetry.exporter.otlp.json.file._log_exporter import FileLogExporter
from opentelemetry.exporter.otlp.json.file.metric_exporter import FileMetricExporter
from opentelemetry.exporter.zipkin.json import ZipkinExporter
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SimpleSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode

RESOURCE = Resource.create({"service.name": "shop", "region": "north"})


def checkout(tracer, amount):
    attributes = {"amount": amount, "share": 0.5, "express": True}
    with tracer.start_as_current_span("checkout", kind=SpanKind.SERVER, attributes=attributes):
        if amount < 1000:
            with tracer.start_as_current_span("fraud-check"):
                time.sleep(0.001)
        with tracer.start_as_current_span("payment.charge", kind=SpanKind.CLIENT) as charge:
            logging.getLogger("shop").warning("charges %d", amount)
            if amount > 1000:
                charge.add_event("retry")
                charge.set_status(Status(StatusCode.ERROR, "card declined"))


def other_signals(path):
    """Logs and metrics of this program go to the file. The caller shuts both down."""
    logs = LoggerProvider(resource=RESOURCE)
    logs.add_log_record_processor(SimpleLogRecordProcessor(FileLogExporter(path)))
    logging.getLogger("shop").addHandler(LoggingHandler(logger_provider=logs))
    metrics = MeterProvider(resource=RESOURCE, metric_readers=[PeriodicExportingMetricReader(FileMetricExporter(path))])
    metrics.get_meter("shop").create_counter("checkouts").add(2)
    return [logs, metrics]


class WrittenDown:
    """A session of requests that writes what is posted to a file."""

    def __init__(self, path):
        self.path, self.headers = path, {}

    def post(self, data, **_):
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(data)
        return types.SimpleNamespace(status_code=202)

    def close(self):
        pass


def processor(form, path):
    if form == "console":
        return SimpleSpanProcessor(ConsoleSpanExporter())
    if form == "zipkin":
        return BatchSpanProcessor(ZipkinExporter(session=WrittenDown(path)))
    return (BatchSpanProcessor if form == "otlp" else SimpleSpanProcessor)(FileSpanExporter(path))


def main(form, path):
    provider = TracerProvider(resource=RESOURCE)
    provider.add_span_processor(processor(form, path))
    trace.set_tracer_provider(provider)
    others = other_signals(path) if form == "signals" else []
    for amount in (200, 1200):
        checkout(trace.get_tracer("shop"), amount)
    for one in [provider, *others]:
        one.shutdown()


main(*sys.argv[1:])
