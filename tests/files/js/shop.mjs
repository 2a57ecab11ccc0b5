// Two checkouts, written to files by what a program in JavaScript has at hand: shop.mjs FORM FILE.
//
// otlp is the serializer of OpenTelemetry's exporters, console its ConsoleSpanExporter, zipkin the library `zipkin`.
// Both clocks have whole milliseconds, and two spans that start in the same one have no order: so each takes a while.
import { appendFileSync, writeFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';

import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { JsonTraceSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { ConsoleSpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import zipkin from 'zipkin';

const [, , form, file] = process.argv;

const fileExporter = {
  export(spans, done) {
    appendFileSync(file, Buffer.concat([JsonTraceSerializer.serializeRequest(spans), Buffer.from('\n')]));
    done({ code: 0 });
  },
  shutdown: async () => {},
};

async function step(tracer, parent, name, kind, inside) {
  const span = tracer.startSpan(name, { kind }, trace.setSpan(context.active(), parent));
  inside(span);
  await wait(5);
  span.end();
  await wait(5);
}

async function checkout(tracer, amount) {
  const attributes = { amount, share: 0.5, express: true };
  const root = tracer.startSpan('checkout', { kind: SpanKind.SERVER, attributes });
  await wait(5);
  if (amount < 1000) {
    await step(tracer, root, 'fraud-check', SpanKind.INTERNAL, () => {});
  }
  await step(tracer, root, 'payment.charge', SpanKind.CLIENT, (span) => {
    if (amount > 1000) {
      span.addEvent('retry');
      span.setStatus({ code: SpanStatusCode.ERROR, message: 'card declined' });
    }
  });
  root.end();
}

async function withOpenTelemetry(exporter) {
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'shop', region: 'north' }),
    spanProcessors: [new SimpleSpanProcessor(exporter)],
  });
  const tracer = provider.getTracer('shop');
  await checkout(tracer, 200);
  await checkout(tracer, 1200);
  await provider.shutdown();
}

async function zipkinStep(tracer, parent, name, kind, inside) {
  tracer.setId(parent);
  const id = tracer.createChildId();
  tracer.scoped(() => {
    tracer.setId(id);
    tracer.recordServiceName('shop');
    tracer.recordRpc(name);
    tracer.recordAnnotation(kind === 'client' ? new zipkin.Annotation.ClientSend() : new zipkin.Annotation.LocalOperationStart(name));
    inside();
  });
  await wait(5);
  tracer.letId(id, () => tracer.recordAnnotation(kind === 'client' ? new zipkin.Annotation.ClientRecv() : new zipkin.Annotation.LocalOperationStop()));
  await wait(5);
}

async function zipkinCheckout(tracer, amount) {
  const root = tracer.createRootId();
  tracer.letId(root, () => {
    tracer.recordServiceName('shop');
    tracer.recordRpc('checkout');
    tracer.recordAnnotation(new zipkin.Annotation.ServerRecv());
    tracer.recordBinary('amount', amount);
    tracer.recordBinary('share', 0.5);
    tracer.recordBinary('express', true);
  });
  await wait(5);
  if (amount < 1000) {
    await zipkinStep(tracer, root, 'fraud-check', 'local', () => {});
  }
  await zipkinStep(tracer, root, 'payment.charge', 'client', () => {
    if (amount > 1000) {
      tracer.recordMessage('retry');
      tracer.recordBinary('error', 'card declined');
    }
  });
  tracer.letId(root, () => tracer.recordAnnotation(new zipkin.Annotation.ServerSend()));
  await wait(5);
}

async function withZipkin() {
  const spans = [];
  const logger = { logSpan: (span) => spans.push(zipkin.jsonEncoder.JSON_V2.encode(span)) };
  const tracer = new zipkin.Tracer({
    ctxImpl: new zipkin.ExplicitContext(),
    recorder: new zipkin.BatchRecorder({ logger }),
    localServiceName: 'shop',
    traceId128Bit: true,
  });
  await zipkinCheckout(tracer, 200);
  await zipkinCheckout(tracer, 1200);
  writeFileSync(file, `[${spans.join(',')}]`);
}

const forms = {
  otlp: () => withOpenTelemetry(fileExporter),
  console: () => withOpenTelemetry(new ConsoleSpanExporter()),
  zipkin: withZipkin,
};
await forms[form]();
process.exit(0);
