"""A checkout with the OpenTelemetry SDK for Python: `right` asks fraud-check before it charges, `wrong` does not."""
import os
import sys

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

if os.environ["OTEL_EXPORTER_OTLP_PROTOCOL"] == "grpc":
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
else:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

provider = TracerProvider(resource=Resource.create({"service.name": "shop", "test.name": "checkout in Python"}))
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
tracer = trace.get_tracer("shop")

with tracer.start_as_current_span("checkout", attributes={"amount": 1200}):
    if sys.argv[1] == "right":
        with tracer.start_as_current_span("fraud-check"):
            pass
    with tracer.start_as_current_span("payment.charge"):
        pass
provider.shutdown()
