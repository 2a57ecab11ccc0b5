// An agent of the AI SDK with its own telemetry. It goes through the runs of scripts.json; the model at MODEL_URL says what a script says
// (tests/libraries/servers.py). Each run is below a span of the program, as a web server would write one.
import { readFileSync } from "node:fs";
import { NodeSDK } from "@opentelemetry/sdk-node";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, stepCountIs, tool } from "ai";
import { z } from "zod";

const sdk = new NodeSDK({ traceExporter: new OTLPTraceExporter(), instrumentations: [] });
sdk.start();
const tracer = trace.getTracer("support");
const scripts = JSON.parse(readFileSync(new URL("../scripts.json", import.meta.url), "utf8"));
const model = createOpenAICompatible({ name: "fake", baseURL: process.env.MODEL_URL, apiKey: "none" });
// Starts are whole milliseconds in Node, and equal ones are in no order.
const tick = () => new Promise((resolve) => setTimeout(resolve, 3));

async function approve(answer) {
  await tick();
  const span = tracer.startSpan("approval.grant", { attributes: { "gen_ai.tool.name": "send_email" } });
  if (answer === "denied") span.setStatus({ code: SpanStatusCode.ERROR });
  span.end();
  await tick();
}

async function run(script) {
  const tools = {
    search_orders: tool({ description: "Looks orders up", inputSchema: z.object({ customer: z.string() }),
      execute: async ({ customer }) => { if (script.approval) await approve(script.approval); return `no order of ${customer}`; } }),
    send_email: tool({ description: "Sends a mail", inputSchema: z.object({ to: z.string() }), execute: async ({ to }) => `sent to ${to}` }),
  };
  await generateText({ model: model(script.model ?? "large-2"), prompt: `where is my order? SCRIPT${JSON.stringify(script)}END`, tools,
    stopWhen: stepCountIs(40), maxOutputTokens: script.unbounded ? undefined : 800,
    experimental_telemetry: { isEnabled: true, functionId: "support" } });
}

for (const [name, script] of Object.entries(scripts)) {
  await tracer.startActiveSpan(`POST /${name}`, { kind: SpanKind.SERVER, attributes: { "url.path": `/${name}` } }, async (span) => {
    await run(script);
    span.end();
  });
}
await sdk.shutdown();
