"""An agent of one library after the other, under its own instrumentation or OpenTelemetry's: agent.py LIBRARY goes through the runs of SCRIPTS.
The model at MODEL_URL says what a script says (tests/libraries/servers.py). Each run is below a span of the program, as a web server would write one."""
import asyncio
import json
import os
import sys

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

LIBRARY = sys.argv[1]
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "scripts.json"), encoding="utf-8") as file:
    SCRIPTS = json.load(file)
URL, KEY = os.environ["MODEL_URL"], "none"
os.environ.update(HTTP_PROXY=URL.removesuffix("/v1"), NO_PROXY="127.0.0.1")  # a model elsewhere is the same one
provider = TracerProvider()
if LIBRARY != "langfuse":
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
tracer = trace.get_tracer("support")
script = {}


def approve():
    """What asks a person, as the program's own span."""
    if script.get("approval"):
        with tracer.start_as_current_span("approval.grant", attributes={"gen_ai.tool.name": "send_email"}) as span:
            if script["approval"] == "denied":
                span.set_status(trace.StatusCode.ERROR, "no")


def search_orders(customer: str) -> str:
    """Looks the orders of a customer up."""
    approve()
    return f"no order of {customer}"


def send_email(to: str) -> str:
    """Sends a mail."""
    return f"sent to {to}"


def prompt():
    return f"where is my order? SCRIPT{json.dumps(script)}END"


def url():
    return script.get("url", URL)


def limits():
    return None if script.get("unbounded") else 800


async def with_agents():
    import agents
    from openai import AsyncOpenAI
    agents.set_tracing_disabled(False)
    api = agents.OpenAIResponsesModel if LIBRARY == "openai-responses" else agents.OpenAIChatCompletionsModel
    model = api(model=script["model"], openai_client=AsyncOpenAI(base_url=url(), api_key=KEY))
    agent = agents.Agent(name="support", model=model, tools=[agents.function_tool(search_orders), agents.function_tool(send_email)],
                         model_settings=agents.ModelSettings(max_tokens=limits()))
    await agents.Runner.run(agent, prompt(), max_turns=40)


async def with_pydantic_ai():
    from pydantic_ai import Agent
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider
    from pydantic_ai.usage import UsageLimits
    agent = Agent(OpenAIChatModel(script["model"], provider=OpenAIProvider(base_url=url(), api_key=KEY)), name="support", tools=[search_orders, send_email])
    await agent.run(prompt(), model_settings={} if script.get("unbounded") else {"max_tokens": 800}, usage_limits=UsageLimits(request_limit=None))


async def with_strands():
    from strands import Agent, tool
    from strands.models.openai import OpenAIModel
    model = OpenAIModel(client_args={"base_url": url(), "api_key": KEY}, model_id=script["model"],
                        params={} if script.get("unbounded") else {"max_tokens": 800})
    await Agent(name="support", model=model, tools=[tool(search_orders), tool(send_email)], callback_handler=None).invoke_async(prompt())


TOOLS = [{"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {argument: {"type": "string"}}}}}
         for name, argument in (("search_orders", "customer"), ("send_email", "to"))]


async def with_client(client, call):
    """The loop that a program writes by itself around a client."""
    messages = [{"role": "user", "content": prompt()}]
    for _ in range(40):
        more = {} if script.get("unbounded") else {"max_tokens": 800}
        answer = client.chat.completions.create(model=script["model"], messages=messages, tools=TOOLS, **more).choices[0].message
        messages.append(answer.model_dump(exclude_none=True))
        if not answer.tool_calls:
            return
        for one in answer.tool_calls:
            messages.append({"role": "tool", "tool_call_id": one.id, "content": await call(one.function.name, json.loads(one.function.arguments))})


async def with_responses(client):
    """The same loop around the client's other API."""
    said = [{"role": "user", "content": prompt()}]
    tools = [{"type": "function", **tool["function"]} for tool in TOOLS]
    for _ in range(40):
        more = {} if script.get("unbounded") else {"max_output_tokens": 800}
        answer = client.responses.create(model=script["model"], input=said, tools=tools, **more)
        calls = [item for item in answer.output if item.type == "function_call"]
        if not calls:
            return
        for one in calls:
            said.append({"type": "function_call", "call_id": one.call_id, "name": one.name, "arguments": one.arguments})
            said.append({"type": "function_call_output", "call_id": one.call_id, "output": await plainly(one.name, json.loads(one.arguments))})


async def with_langchain():
    from langchain.agents import create_agent
    from langchain_openai import ChatOpenAI
    more = {} if script.get("unbounded") else {"max_tokens": 800}
    model = ChatOpenAI(model=script["model"], base_url=url(), api_key=KEY, use_responses_api=False, **more)
    agent = create_agent(model, [search_orders, send_email], name="support")
    agent.invoke({"messages": [{"role": "user", "content": prompt()}]}, {"recursion_limit": 100})


async def plainly(name, arguments):
    return {"search_orders": search_orders, "send_email": send_email}[name](**arguments)


async def with_openllmetry():
    import openai
    await with_client(openai.OpenAI(base_url=url(), api_key=KEY), plainly)


async def with_langfuse():
    from langfuse import get_client
    from langfuse.openai import OpenAI

    async def observed(name, arguments):
        with get_client().start_as_current_observation(name=name, as_type="tool", input=arguments) as span:
            span.update(output=await plainly(name, arguments))
            return "done"
    with get_client().start_as_current_observation(name="support", as_type="agent"):
        await with_client(OpenAI(base_url=url(), api_key=KEY), observed)


async def with_mcp():
    import openai
    from mcp import Client, StdioServerParameters
    server = StdioServerParameters(command=sys.executable, args=[__file__, "mcp-server"], env={**os.environ, "OTEL_SERVICE_NAME": "orders"})
    async with Client(server) as session:
        async def behind_server(name, arguments):
            if name == "send_email":
                approve()
            return (await session.call_tool(name, arguments)).content[0].text
        await with_client(openai.OpenAI(base_url=url(), api_key=KEY), behind_server)


def serve_mcp():
    """The tools of with_mcp, in a process of their own."""
    from mcp.server.mcpserver import MCPServer
    server = MCPServer("orders")
    for tool in (search_orders, send_email):
        server.add_tool(tool)
    server.run("stdio")


def instrument():
    """Begins the library's instrumentation; returns what runs an agent under it."""
    if LIBRARY in ("openai-agents-v2", "openai-responses"):
        import agents
        from opentelemetry.instrumentation.openai_agents import OpenAIAgentsInstrumentor
        from opentelemetry.instrumentation.openai_v2 import OpenAIInstrumentor
        agents.set_trace_processors([])
        OpenAIAgentsInstrumentor().instrument(tracer_provider=provider, capture_message_content=True)
        OpenAIInstrumentor().instrument(tracer_provider=provider)
        return with_agents
    if LIBRARY == "openinference":
        import agents
        from openinference.instrumentation.openai_agents import OpenAIAgentsInstrumentor
        agents.set_trace_processors([])
        OpenAIAgentsInstrumentor().instrument(tracer_provider=provider)
        return with_agents
    if LIBRARY == "openllmetry":
        from opentelemetry.instrumentation.openai import OpenAIInstrumentor
        OpenAIInstrumentor().instrument(tracer_provider=provider)
        return with_openllmetry
    if LIBRARY == "responses-client":
        import openai
        from openinference.instrumentation.openai import OpenAIInstrumentor
        OpenAIInstrumentor().instrument(tracer_provider=provider)
        return lambda: with_responses(openai.OpenAI(base_url=url(), api_key=KEY))
    if LIBRARY == "langchain-openinference":
        from openinference.instrumentation.langchain import LangChainInstrumentor
        LangChainInstrumentor().instrument(tracer_provider=provider)
        return with_langchain
    if LIBRARY == "langchain-openllmetry":
        from opentelemetry.instrumentation.langchain import LangchainInstrumentor
        LangchainInstrumentor().instrument(tracer_provider=provider)
        return with_langchain
    if LIBRARY == "pydantic-ai":
        from pydantic_ai import Agent
        Agent.instrument_all()
        return with_pydantic_ai
    if LIBRARY == "strands":
        return with_strands
    if LIBRARY == "mcp":
        from opentelemetry.instrumentation.openai_v2 import OpenAIInstrumentor
        OpenAIInstrumentor().instrument(tracer_provider=provider)
        return with_mcp
    from langfuse import Langfuse
    Langfuse(public_key="pk", secret_key="sk", base_url=URL, tracer_provider=provider, span_exporter=OTLPSpanExporter(), should_export_span=lambda _: True)
    return with_langfuse


def main():
    run = instrument()
    for name, wanted in SCRIPTS.items():
        script.clear()
        script.update({"model": "large-2", **wanted})
        with tracer.start_as_current_span(f"POST /{name}", kind=trace.SpanKind.SERVER, attributes={"url.path": f"/{name}"}):
            try:
                asyncio.run(run())
            except Exception as error:  # some libraries stop at an answer that was cut, which is right of them
                print(f"{name}: {type(error).__name__}")


if LIBRARY == "mcp-server":
    serve_mcp()
else:
    main()
provider.force_flush()
provider.shutdown()
