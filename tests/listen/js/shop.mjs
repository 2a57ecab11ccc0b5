// A checkout with the OpenTelemetry SDK for JavaScript: `right` asks fraud-check before it charges, `wrong` does not.
// The second argument says how spans are sent: proto or json.
// The SDK starts spans on whole milliseconds, and two that start in the same one have no order: so a check takes a while.
import { setTimeout as wait } from 'node:timers/promises';

import { trace } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';

const [, , kind, form] = process.argv;
const { OTLPTraceExporter } = await import(`@opentelemetry/exporter-trace-otlp-${form === 'json' ? 'http' : 'proto'}`);
const provider = new NodeTracerProvider({
  resource: resourceFromAttributes({ 'service.name': 'shop', 'test.name': 'checkout in JavaScript' }),
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
});
provider.register();
const tracer = trace.getTracer('shop');

const inSpan = (name, options, inside) =>
  tracer.startActiveSpan(name, options, async (span) => {
    await inside();
    span.end();
  });
await inSpan('checkout', { attributes: { amount: 1200 } }, async () => {
  if (kind === 'right') {
    await inSpan('fraud-check', {}, () => wait(5));
  }
  await inSpan('payment.charge', {}, () => {});
});
await provider.shutdown();
