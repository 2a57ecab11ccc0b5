"""A loopback server in the place of Tempo (and of an OTLP receiver) that finds nothing, and misbehaves when it is told to. One thread holds all connections, so
that hundreds cost nothing. Standard library only.
"""
import asyncio
import email.utils
import threading
import time

NO_TRACE = b'{"trace": {}}'  # of a read by id
NOTHING = b'{"traces": [], "metrics": {"completedJobs": 1, "totalJobs": 1}}'
BEHAVIOURS = ("prompt", "hang", "slow", "trickle")  # besides "held": no answer before release()
SLOW_SECONDS = 1.0  # before each answer
TRICKLE_SECONDS = 0.2  # between two bytes of an answer that never ends


class StubTempo:
    """`behaviour`: one of BEHAVIOURS, or "held"; `hangs_for`: the tenant whose questions hang, whatever the behaviour; `behind`: answers are dated so many seconds back, None: not at all; `config`: what it shows as its configuration, None: nothing; a change is true of the questions that come after it. `asked`: how many questions came, `held`: how many wait for their
    answer."""

    def __init__(self, behaviour="prompt", behind=None, config=None):
        self.behaviour, self.asked, self.held, self.behind, self.config = behaviour, 0, 0, behind, config
        self.hangs_for = None
        self.loop = asyncio.new_event_loop()
        self.started = threading.Event()
        self.released = None

    def __enter__(self):
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        self.started.wait(30)
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)

    def _run(self):
        self.loop.run_until_complete(self._listen())
        self.started.set()
        self.loop.run_forever()
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.server.close()
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.close()

    def release(self):
        """Answers all questions that are held, and those that come."""
        self.behaviour = "prompt"
        self.loop.call_soon_threadsafe(self.released.set)

    async def _listen(self):
        self.released = asyncio.Event()
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=1000)
        self.url = f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}"

    async def _serve(self, reader, writer):
        try:
            while True:
                path, tenant = await self._take_question(reader)
                self.asked += 1
                self.held += 1
                try:
                    hangs = self.hangs_for is not None and tenant == self.hangs_for.encode()
                    await self._answer(path, "hang" if hangs else self.behaviour, reader, writer)
                finally:
                    self.held -= 1
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError):
            pass
        writer.close()

    @staticmethod
    async def _take_question(reader):
        head, tenant = await reader.readuntil(b"\r\n\r\n"), None
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                await reader.readexactly(int(line.partition(b":")[2]))
            if line.startswith(b"x-scope-orgid:"):
                tenant = line.partition(b":")[2].strip()
        return head.split(b" ", 2)[1], tenant

    async def _answer(self, path, behaviour, reader, writer):
        if behaviour == "hang":
            await reader.read()  # until the client has gone
            raise ConnectionError
        if behaviour == "held":
            await self.released.wait()
        if behaviour == "slow":
            await asyncio.sleep(SLOW_SECONDS)
        text = NO_TRACE if b"/traces/" in path else NOTHING
        if self.config and path == b"/status/config":
            text = self.config.encode()
        length = 1 << 20 if behaviour == "trickle" else len(text)
        date = b"" if self.behind is None else b"Date: %s\r\n" % email.utils.formatdate(time.time() - self.behind, usegmt=True).encode()
        writer.write(b"HTTP/1.1 200 OK\r\n%sContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (date, length))
        while behaviour == "trickle":
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(TRICKLE_SECONDS)
        writer.write(text)
        await writer.drain()
