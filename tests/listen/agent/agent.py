"""An agent of the OpenAI Agents SDK with OpenTelemetry's instrumentations of it and of its client, for
tests/http/test_listen_agents.py. A model on loopback answers what the kind of run calls for: agent.py KIND.

right        looks the order up, sends a mail that was allowed, hands over to an agent that knows the conversation
unapproved   sends the mail without asking
repeated     looks the same order up four times
guardrail    goes on after a guardrail has tripped
handoff      hands over to an agent of which no contents are recorded
memory       answers without looking anything up
unbounded    sets no limit for answers
"""
import asyncio
import http.server
import json
import sys
import threading

import agents
from openai import AsyncOpenAI
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.openai_agents import OpenAIAgentsInstrumentor
from opentelemetry.instrumentation.openai_v2 import OpenAIInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

KIND = sys.argv[1]
LOOK_UP = ("search_orders", {"customer": "7"})
MAIL = ("send_email", {"to": "customer"})
# What the model wants next: a tool with its arguments. Then it answers.
STEPS = {
    "right": [LOOK_UP, MAIL, ("transfer_to_billing", {}), ("search_orders", {"customer": "8"})],
    "unapproved": [LOOK_UP, MAIL],
    "repeated": [LOOK_UP] * 4,
    "guardrail": [LOOK_UP],
    "handoff": [LOOK_UP, ("transfer_to_billing", {}), ("search_orders", {"customer": "8"})],
    "memory": [],
    "unbounded": [LOOK_UP],
}[KIND]


class Model(http.server.BaseHTTPRequestHandler):
    asked = 0

    def log_message(self, *_):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        message = {"role": "assistant", "content": "done"}
        if Model.asked < len(STEPS):
            name, arguments = STEPS[Model.asked]
            call = {"id": f"c{Model.asked}", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
            message = {"role": "assistant", "content": None, "tool_calls": [call]}
        Model.asked += 1
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if message["content"] is None else "stop"}
        body = json.dumps({"id": "x", "object": "chat.completion", "created": 1, "model": "large-2", "choices": [choice],
                           "usage": {"prompt_tokens": 120, "completion_tokens": 20, "total_tokens": 140}}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@agents.function_tool
def search_orders(customer: str) -> str:
    return f"no order of {customer}"


@agents.function_tool
def send_email(to: str) -> str:
    return f"sent to {to}"


def approve(tracer):
    """What asks a person, as the program's own span."""
    with tracer.start_as_current_span("approval.grant", attributes={"gen_ai.tool.name": "send_email"}):
        pass


class Hooks(agents.RunHooks):
    def __init__(self, tracer):
        self.tracer = tracer

    async def on_tool_start(self, context, agent, tool):
        if tool.name == "search_orders" and KIND == "right":
            approve(self.tracer)


@agents.input_guardrail
async def no_injection(_context, _agent, _input):
    return agents.GuardrailFunctionOutput(output_info=None, tripwire_triggered=KIND == "guardrail")


async def run(model, hooks):
    limits = agents.ModelSettings(max_tokens=None if KIND == "unbounded" else 800)
    billing = agents.Agent(name="billing", model=model, tools=[search_orders], model_settings=limits)
    support = agents.Agent(name="support", model=model, tools=[search_orders, send_email], handoffs=[billing],
                           input_guardrails=[no_injection], model_settings=limits)
    try:
        await agents.Runner.run(support, "where is my order?", hooks=hooks)
    except agents.InputGuardrailTripwireTriggered:
        # The mistake: a caller that catches it and asks again without the guardrail, in the same trace.
        again = agents.Agent(name="support", model=model, tools=[search_orders], model_settings=limits)
        await agents.Runner.run(again, "where is it?")


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Model)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    provider = TracerProvider(resource=Resource.create({"service.name": "support-agent", "test.name": KIND}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    agents.set_trace_processors([])  # else they go to the vendor
    OpenAIAgentsInstrumentor().instrument(tracer_provider=provider, capture_message_content=KIND != "handoff")
    OpenAIInstrumentor().instrument(tracer_provider=provider)
    client = AsyncOpenAI(base_url=f"http://127.0.0.1:{server.server_address[1]}/v1", api_key="none")
    tracer = provider.get_tracer("support")
    with tracer.start_as_current_span("POST /assist"):
        asyncio.run(run(agents.OpenAIChatCompletionsModel(model="large-2", openai_client=client), Hooks(tracer)))
    provider.shutdown()


if __name__ == "__main__":
    main()
