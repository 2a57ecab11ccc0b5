// A checkout with the OpenTelemetry SDK for Go: `right` asks fraud-check before it charges, `wrong` does not.
package main

import (
	"context"
	"log"
	"os"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

func main() {
	ctx := context.Background()
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		log.Fatal(err)
	}
	shop := resource.NewSchemaless(
		attribute.String("service.name", "shop"), attribute.String("test.name", "checkout in Go"))
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(shop))
	tracer := provider.Tracer("shop")

	inside, checkout := tracer.Start(ctx, "checkout", trace.WithAttributes(attribute.Int("amount", 1200)))
	if os.Args[1] == "right" {
		_, check := tracer.Start(inside, "fraud-check")
		check.End()
	}
	_, charge := tracer.Start(inside, "payment.charge")
	charge.End()
	checkout.End()
	if err := provider.Shutdown(ctx); err != nil {
		log.Fatal(err)
	}
}
