// Two checkouts with the OpenTelemetry SDK for Go, printed by its exporter stdouttrace. With a word behind it each span is
// spread over lines.
package main

import (
	"context"
	"log"
	"os"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

func checkout(tracer trace.Tracer, amount int) {
	inside, root := tracer.Start(context.Background(), "checkout", trace.WithSpanKind(trace.SpanKindServer),
		trace.WithAttributes(attribute.Int("amount", amount), attribute.Float64("share", 0.5), attribute.Bool("express", true)))
	if amount < 1000 {
		_, check := tracer.Start(inside, "fraud-check")
		check.End()
	}
	_, charge := tracer.Start(inside, "payment.charge", trace.WithSpanKind(trace.SpanKindClient))
	if amount > 1000 {
		charge.AddEvent("retry")
		charge.SetStatus(codes.Error, "card declined")
	}
	charge.End()
	root.End()
}

func main() {
	options := []stdouttrace.Option{}
	if len(os.Args) > 1 {
		options = append(options, stdouttrace.WithPrettyPrint())
	}
	exporter, err := stdouttrace.New(options...)
	if err != nil {
		log.Fatal(err)
	}
	shop := resource.NewSchemaless(attribute.String("service.name", "shop"), attribute.String("region", "north"))
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(shop))
	checkout(provider.Tracer("shop"), 200)
	checkout(provider.Tracer("shop"), 1200)
	if err := provider.Shutdown(context.Background()); err != nil {
		log.Fatal(err)
	}
}
