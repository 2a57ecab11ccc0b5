// Two checkouts with the OpenTelemetry SDK for Go, printed by its exporter stdouttrace. With the word pretty each span is
// spread over lines; with zipkin they are printed as the exporter for Zipkin sends them.
package main

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	"go.opentelemetry.io/otel/exporters/zipkin"
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
		charge.AddEvent("retry", trace.WithAttributes(attribute.Int("attempt", 2), attribute.String("why", "declined")))
		charge.SetStatus(codes.Error, "card declined")
	}
	charge.End()
	root.End()
}

func newExporter(address string) (sdktrace.SpanExporter, error) {
	switch {
	case len(os.Args) == 1:
		return stdouttrace.New()
	case os.Args[1] == "zipkin":
		return zipkin.New(address)
	default:
		return stdouttrace.New(stdouttrace.WithPrettyPrint())
	}
}

func main() {
	server := httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, request *http.Request) {
		answer.WriteHeader(http.StatusAccepted)
		if _, err := io.Copy(os.Stdout, request.Body); err != nil {
			log.Fatal(err)
		}
	}))
	defer server.Close()
	exporter, err := newExporter(server.URL + "/api/v2/spans")
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
