"""A checkout with the OpenTelemetry SDK for Python: `right` asks fraud-check before it charges, `wrong` does not.

With `baggage` behind it the name of the test is baggage, as a test suite sets it that calls services: a processor of the
SDK writes it onto every span. Else it is an attribute of the resource.
"""
import os
import sys

from opentelemetry import baggage, context, trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

if os.environ.get("OTEL_TRACES_EXPORTER") == "zipkin":
    from opentelemetry.exporter.zipkin.json import ZipkinExporter as SpanExporter
elif os.environ["OTEL_EXPORTER_OTLP_PROTOCOL"] == "grpc":
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as SpanExporter
else:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as SpanExporter

TEST = "checkout in Python"
by_baggage = sys.argv[2:] == ["baggage"]
provider = TracerProvider(resource=Resource.create({"service.name": "shop"} if by_baggage else {"service.name": "shop", "test.name": TEST}))
if by_baggage:
    from opentelemetry.processor.baggage import BaggageSpanProcessor

    provider.add_span_processor(BaggageSpanProcessor(lambda key: key == "test.name"))
    context.attach(baggage.set_baggage("test.name", TEST))
provider.add_span_processor(BatchSpanProcessor(SpanExporter()))
trace.set_tracer_provider(provider)
tracer = trace.get_tracer("shop")

with tracer.start_as_current_span("checkout", attributes={"amount": 1200}):
    if sys.argv[1] == "right":
        with tracer.start_as_current_span("fraud-check"):
            pass
    with tracer.start_as_current_span("payment.charge"):
        pass
provider.shutdown()
