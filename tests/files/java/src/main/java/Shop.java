import brave.Tracing;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import io.opentelemetry.exporter.logging.otlp.OtlpJsonLoggingSpanExporter;
import io.opentelemetry.exporter.logging.otlp.internal.traces.OtlpStdoutSpanExporter;
import io.opentelemetry.exporter.zipkin.ZipkinSpanExporter;
import io.opentelemetry.sdk.resources.Resource;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.export.BatchSpanProcessor;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.logging.FileHandler;
import java.util.logging.Formatter;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import zipkin2.codec.SpanBytesDecoder;
import zipkin2.codec.SpanBytesEncoder;
import zipkin2.reporter.BytesMessageSender;
import zipkin2.reporter.Encoding;
import zipkin2.reporter.brave.AsyncZipkinSpanHandler;

/**
 * Two checkouts, written to a file by what a program in Java has at hand: Shop FORM FILE.
 *
 * <p>logging is OtlpJsonLoggingSpanExporter with a log of messages alone, stdout is OtlpStdoutSpanExporter, zipkin is
 * OpenTelemetry's exporter for Zipkin, brave is Zipkin's tracer, and server is what Zipkin's own library makes of brave's
 * spans, as its server answers: in its API v2, and with server-v1 in v1.
 */
public final class Shop {
  /** A sender that keeps what it is given. Each message is a list of spans in JSON. */
  private static final class Kept extends BytesMessageSender.Base {
    final List<byte[]> spans = new ArrayList<>();

    Kept() {
      super(Encoding.JSON);
    }

    @Override
    public int messageMaxBytes() {
      return 500_000;
    }

    @Override
    public synchronized void send(List<byte[]> encoded) {
      spans.addAll(encoded);
    }

    @Override
    public void close() {}

    byte[] message() {
      return Encoding.JSON.encode(spans);
    }
  }

  /** Log lines that are the message and nothing else, as a log for machines has them. */
  private static final class Messages extends Formatter {
    @Override
    public String format(LogRecord line) {
      return line.getMessage() + "\n";
    }
  }

  private static void checkout(Tracer tracer, long amount) {
    Span root = tracer.spanBuilder("checkout").setSpanKind(SpanKind.SERVER).setAttribute("amount", amount)
        .setAttribute("share", 0.5).setAttribute("express", true).startSpan();
    Context inside = Context.root().with(root);
    if (amount < 1000) tracer.spanBuilder("fraud-check").setParent(inside).startSpan().end();
    Span charge = tracer.spanBuilder("payment.charge").setSpanKind(SpanKind.CLIENT).setParent(inside).startSpan();
    if (amount > 1000) charge.addEvent("retry").setStatus(StatusCode.ERROR, "card declined");
    charge.end();
    root.end();
  }

  private static void withOpenTelemetry(SpanExporter exporter) {
    Resource shop = Resource.create(Attributes.of(
        AttributeKey.stringKey("service.name"), "shop", AttributeKey.stringKey("region"), "north"));
    SdkTracerProvider provider = SdkTracerProvider.builder().setResource(shop)
        .addSpanProcessor(BatchSpanProcessor.builder(exporter).build()).build();
    checkout(provider.get("shop"), 200);
    checkout(provider.get("shop"), 1200);
    provider.close();
  }

  private static void withLogging(Path file) throws IOException {
    FileHandler handler = new FileHandler(file.toString());
    handler.setFormatter(new Messages());
    Logger logger = Logger.getLogger(OtlpJsonLoggingSpanExporter.class.getName());
    logger.setUseParentHandlers(false);
    logger.addHandler(handler);
    withOpenTelemetry(OtlpJsonLoggingSpanExporter.create());
    handler.close();
  }

  private static void braveCheckout(brave.Tracer tracer, long amount) throws InterruptedException {
    brave.Span root = tracer.newTrace().name("checkout").kind(brave.Span.Kind.SERVER).tag("amount", "" + amount)
        .tag("share", "0.5").tag("express", "true").start();
    if (amount < 1000) {
      brave.Span check = tracer.newChild(root.context()).name("fraud-check").start();
      Thread.sleep(1);
      check.finish();
    }
    brave.Span charge = tracer.newChild(root.context()).name("payment.charge").kind(brave.Span.Kind.CLIENT).start();
    if (amount > 1000) charge.annotate("retry").error(new IllegalStateException("card declined"));
    Thread.sleep(1);
    charge.finish();
    root.finish();
  }

  private static byte[] withBrave() throws InterruptedException {
    Kept kept = new Kept();
    try (AsyncZipkinSpanHandler handler = AsyncZipkinSpanHandler.create(kept);
        Tracing tracing = Tracing.newBuilder().localServiceName("shop").addSpanHandler(handler).build()) {
      braveCheckout(tracing.tracer(), 200);
      braveCheckout(tracing.tracer(), 1200);
      handler.flush();
    }
    return kept.message();
  }

  public static void main(String[] words) throws Exception {
    Path file = Path.of(words[1]);
    switch (words[0]) {
      case "logging" -> withLogging(file);
      case "stdout" -> {
        try (OutputStream out = new FileOutputStream(file.toFile())) {
          withOpenTelemetry(OtlpStdoutSpanExporter.builder().setOutput(out).build());
        }
      }
      case "zipkin" -> {
        Kept kept = new Kept();
        withOpenTelemetry(ZipkinSpanExporter.builder().setSender(kept).build());
        Files.write(file, kept.message());
      }
      case "brave" -> Files.write(file, withBrave());
      case "server" -> Files.write(file, SpanBytesEncoder.JSON_V2.encodeList(SpanBytesDecoder.JSON_V2.decodeList(withBrave())));
      case "server-v1" -> Files.write(file, SpanBytesEncoder.JSON_V1.encodeList(SpanBytesDecoder.JSON_V2.decodeList(withBrave())));
      default -> throw new IllegalArgumentException(words[0]);
    }
  }
}
