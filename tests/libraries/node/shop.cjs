// A shop of express, pg, ioredis, amqplib and gRPC under OpenTelemetry's instrumentations: each route is a run that tests/libraries/record.py asks for.
// It writes its port, and ends when its input does. PG_URL, REDIS_URL, AMQP_URL and PARTNER_URL say where the others are.
// A run of steps.json is spans that a program names itself.
"use strict";
const { NodeSDK } = require("@opentelemetry/sdk-node");
const { OTLPTraceExporter } = require("@opentelemetry/exporter-trace-otlp-proto");
const instrumentations = [
  new (require("@opentelemetry/instrumentation-http").HttpInstrumentation)(),
  new (require("@opentelemetry/instrumentation-express").ExpressInstrumentation)(),
  new (require("@opentelemetry/instrumentation-pg").PgInstrumentation)(),
  new (require("@opentelemetry/instrumentation-ioredis").IORedisInstrumentation)(),
  new (require("@opentelemetry/instrumentation-amqplib").AmqplibInstrumentation)(),
  new (require("@opentelemetry/instrumentation-grpc").GrpcInstrumentation)(),
];
const sdk = new NodeSDK({ traceExporter: new OTLPTraceExporter(), instrumentations });
sdk.start();

const http = require("node:http");
const net = require("node:net");
const { setTimeout: sleep } = require("node:timers/promises");
const { trace, SpanKind, SpanStatusCode } = require("@opentelemetry/api");
const express = require("express");
const grpc = require("@grpc/grpc-js");
const pg = require("pg");
const Redis = require("ioredis");
const amqp = require("amqplib");

const { PG_URL, REDIS_URL, AMQP_URL, PARTNER_URL } = process.env;
const tracer = trace.getTracer("shop");
const app = express();
let pool, redis, channel, own, stock;

function get(url, options = {}) {
  return new Promise((resolve, reject) => {
    const request = http.get(url, options, (answer) => answer.resume().on("end", () => resolve(answer.statusCode)));
    request.on("error", reject);
    if (options.limit) request.setTimeout(options.limit, () => request.destroy(new Error("gave up")));
  });
}

const times = async (count, work) => {
  for (let number = 0; number < count; number++) await work(number);
};
const query = (text, values) => pool.query(text, values);
// Starts are whole milliseconds in Node, and equal ones are in no order: what is said to come after waits for the next.
const tick = () => sleep(3);
const step = async (name, attributes = {}) => { tracer.startSpan(name, { attributes }).end(); await tick(); };

// Spans that a program names itself, one after the other.
const ownSteps = (steps) => async () => {
  for (const [name, attributes, ...more] of steps) {
    const span = tracer.startSpan(name, { attributes, kind: more.includes("client") ? SpanKind.CLIENT : SpanKind.INTERNAL });
    if (more.includes("error")) span.setStatus({ code: SpanStatusCode.ERROR });
    await tick();
    span.end();
    await tick();
  }
};

async function transaction(work) {
  const client = await pool.connect();
  await client.query("BEGIN");
  await client.query("INSERT INTO orders (item) VALUES ($1)", ["lamp"]);
  await work();
  await tick();
  await client.query("COMMIT");
  client.release();
}

// Sends messages, and waits until the consumer of the queue has had as many.
async function send(queue, messages, handle = async () => {}) {
  await channel.assertQueue(queue);
  await channel.purgeQueue(queue);
  const done = new Promise((resolve) => {
    let had = 0;
    channel.consume(queue, async (message) => {
      await tick();
      try {
        await handle(message);
        channel.ack(message);
      } catch {
        channel.nack(message, false, false);
      }
      if (++had === messages.length) resolve();
    }, { consumerTag: queue });
  });
  for (const id of messages) channel.sendToQueue(queue, Buffer.from("{}"), { messageId: id });
  await done;
  await sleep(50);
  await channel.cancel(queue);
}

// The partner takes it as a proxy would: nothing leaves this machine.
const throughPartner = { createConnection: () => net.connect(new URL(PARTNER_URL).port, "127.0.0.1") };

// A client of a gRPC service in this process, whose messages are plain bytes.
function stockService() {
  const plain = { requestStream: false, responseStream: false, requestSerialize: (bytes) => bytes, requestDeserialize: (bytes) => bytes,
    responseSerialize: (bytes) => bytes, responseDeserialize: (bytes) => bytes };
  const server = new grpc.Server();
  server.addService({ Get: { ...plain, path: "/shop.Stock/Get" }, Wait: { ...plain, path: "/shop.Stock/Wait" } }, {
    Get: (asked, answer) => answer(null, asked.request),
    Wait: (asked, answer) => setTimeout(() => answer(null, asked.request), 400),
  });
  return new Promise((resolve) => server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (_, port) => {
    resolve(new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure()));
  }));
}

const call = (method, limit = 5000) => new Promise((resolve) => {
  stock.makeUnaryRequest(`/shop.Stock/${method}`, (bytes) => bytes, (bytes) => bytes, Buffer.from("x"), { deadline: Date.now() + limit }, resolve);
});

const ROUTES = {
  right: async () => {
    await query("SELECT name FROM items WHERE id = $1", [1]);
    await redis.get("item:1");
    await get(`${PARTNER_URL}/ok?item=1`);
    await transaction(async () => {});
    await send("orders", ["a"]);
  },
  "right-16-queries": () => times(16, (n) => query(`SELECT name, ${n} FROM items WHERE id = $1`, [n])),
  "right-retried": async () => { await get(`${PARTNER_URL}/flaky`); await sleep(40); await get(`${PARTNER_URL}/flaky`); },
  "right-waits-for-list": () => redis.blpop("nothing", 1.1),
  "right-dead-letter": () => send("orders", ["a"], async () => {
    await channel.assertQueue("orders-dlq");
    channel.sendToQueue("orders-dlq", Buffer.from("{}"), { messageId: "a" });
    throw new Error("not today");
  }),
  "n-plus-one": async () => {
    await query("SELECT id FROM items");
    await times(31, (n) => query("SELECT name FROM items WHERE id = $1", [n]));
  },
  "cache-loop": () => times(51, (n) => redis.get(`item:${n}`)),
  "single-writes": () => times(51, () => query("INSERT INTO orders (item) VALUES ($1)", ["lamp"])),
  "same-host": () => times(21, () => get(`${PARTNER_URL}/ok`)),
  "not-retried": () => get(`${PARTNER_URL}/down`),
  hammer: () => times(5, () => get(`${PARTNER_URL}/limited`)),
  "right-limited": async () => { await get(`${PARTNER_URL}/limited`); await sleep(300); await get(`${PARTNER_URL}/ok`); },
  "retry-storm": () => times(5, async () => { await get(`${PARTNER_URL}/down`); await sleep(120); }),
  "secret-in-url": async () => {},
  "secret-in-call": () => get(`${PARTNER_URL}/ok?api_key=abc`),
  "card-in-url": async () => {},
  "plain-http": () => get(PARTNER_URL.replace("127.0.0.1", "0.0.0.0") + "/ok"),
  metadata: () => get("http://169.254.169.254/latest/meta-data/", throughPartner),
  "while-rendering": () => tracer.startActiveSpan("render cart.html", async (span) => {
    await query("SELECT name FROM items WHERE id = $1", [1]);
    span.end();
  }),
  "right-rpc": () => call("Get"),
  "rpc-loop": () => times(21, () => call("Get")),
  "rpc-deadline": () => call("Wait", 100),
  drop: () => query("DROP TABLE IF EXISTS tmpx"),
  "card-in-query": () => query("SELECT 1 WHERE '4111111111111111' = '2'"),
  "password-in-query": () => query("SELECT id FROM users WHERE password = 'hunter2'"),
  "security-code": async () => { await step("payment.authorize"); await query("INSERT INTO cards (cvv) VALUES ($1)", ["123"]); },
  "hidden-failure": () => query("SELECT id FROM no_such_table").catch(() => {}),
  "slow-query": () => query("SELECT pg_sleep(1.1)"),
  "slow-request": () => sleep(5100),
  "gave-up": () => get(`http://127.0.0.1:${own}/works-on`, { limit: 100 }).catch(() => sleep(1500)),
  "works-on": () => sleep(1400),
  "sent-before-commit": async () => { await channel.assertQueue("early"); await transaction(async () => channel.sendToQueue("early", Buffer.from("{}"))); },
  "processed-twice": () => send("orders", ["a", "a"]),
  "processed-four-times": () => send("orders", ["a", "a", "a", "a"], async () => { throw new Error("poison"); }),
  "no-dead-letter": () => send("orders", ["a"], async () => { throw new Error("not today"); }),
  loop: () => send("orders", ["a"], async () => { channel.sendToQueue("orders", Buffer.from("{}"), { messageId: "b" }); }),
  "fan-out": () => times(101, () => channel.sendToQueue("early", Buffer.from("{}"))),
  "denied-then-read": async () => { await step("authz.check", { "authz.decision": "deny" }); await query("SELECT name FROM items WHERE id = $1", [1]); },
  "admin/unchecked": async () => {},
  "admin/right": async () => step("authz.check"),
};

for (const [name, steps] of Object.entries(require("../steps.json"))) ROUTES[name] = ownSteps(steps);
for (const [name, run] of Object.entries(ROUTES)) {
  app.get(`/${name}`, async (_, answer) => { await run(); answer.send("ok"); });
}
app.get("/fails", () => { throw new Error("broken"); });

async function main() {
  pool = new pg.Pool({ connectionString: PG_URL, max: 1 });
  redis = new Redis(REDIS_URL);
  const connection = await amqp.connect(AMQP_URL);
  channel = await connection.createChannel();
  stock = await stockService();
  await channel.prefetch(1);
  const server = app.listen(0, "127.0.0.1", () => { own = server.address().port; console.log(own); });
  process.stdin.resume().on("end", async () => {
    await sdk.shutdown();
    process.exit(0);
  });
}
main();
