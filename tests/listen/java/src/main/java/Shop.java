import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Scope;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.autoconfigure.AutoConfiguredOpenTelemetrySdk;

/** A checkout with the OpenTelemetry SDK for Java: `right` asks fraud-check before it charges, `wrong` does not. */
public final class Shop {
  private static void step(Tracer tracer, String name) {
    tracer.spanBuilder(name).startSpan().end();
  }

  public static void main(String[] words) {
    String kind = words[0];
    System.setProperty("otel.service.name", "shop");
    System.setProperty("otel.resource.attributes", "test.name=checkout in Java");
    System.setProperty("otel.metrics.exporter", "none");
    System.setProperty("otel.logs.exporter", "none");
    OpenTelemetrySdk sdk = AutoConfiguredOpenTelemetrySdk.initialize().getOpenTelemetrySdk();
    Tracer tracer = sdk.getTracer("shop");
    Span checkout = tracer.spanBuilder("checkout").startSpan();
    try (Scope scope = checkout.makeCurrent()) {
      if (kind.equals("right")) step(tracer, "fraud-check");
      step(tracer, "payment.charge");
    } finally {
      checkout.end();
      sdk.close();
    }
  }
}
