//! Two checkouts with the OpenTelemetry SDK for Rust: shop FORM. `otlp` prints what opentelemetry-proto serializes of each
//! span, `stdout` is the exporter opentelemetry-stdout.
use opentelemetry::trace::{Span, SpanKind, Status, TraceContextExt, Tracer, TracerProvider};
use opentelemetry::{Context, KeyValue};
use opentelemetry_proto::tonic::trace::v1::TracesData;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider, SpanData, SpanExporter};
use opentelemetry_sdk::Resource;

/// One document a line.
#[derive(Debug, Default)]
struct Lines {
    resource: ResourceAttributesWithSchema,
}

impl SpanExporter for Lines {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let resource_spans = group_spans_by_resource_and_scope(batch, &self.resource);
        println!("{}", serde_json::to_string(&TracesData { resource_spans }).expect("spans are JSON"));
        Ok(())
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.resource = resource.into();
    }
}

fn checkout(tracer: &SdkTracer, amount: i64) {
    let attributes = [KeyValue::new("amount", amount), KeyValue::new("share", 0.5), KeyValue::new("express", true)];
    let root = tracer.span_builder("checkout").with_kind(SpanKind::Server).with_attributes(attributes).start(tracer);
    let inside = Context::new().with_span(root);
    if amount < 1000 {
        tracer.start_with_context("fraud-check", &inside).end();
    }
    let mut charge = tracer.span_builder("payment.charge").with_kind(SpanKind::Client).start_with_context(tracer, &inside);
    if amount > 1000 {
        charge.add_event("retry", vec![]);
        charge.set_status(Status::error("card declined"));
    }
    charge.end();
    inside.span().end();
}

fn main() {
    let attributes = [KeyValue::new("service.name", "shop"), KeyValue::new("region", "north")];
    let builder = SdkTracerProvider::builder().with_resource(Resource::builder_empty().with_attributes(attributes).build());
    let provider = match std::env::args().nth(1).as_deref() {
        Some("otlp") => builder.with_simple_exporter(Lines::default()).build(),
        _ => builder.with_simple_exporter(opentelemetry_stdout::SpanExporter::default()).build(),
    };
    for amount in [200, 1200] {
        checkout(&provider.tracer("shop"), amount);
    }
    provider.shutdown().expect("all spans are written");
}
