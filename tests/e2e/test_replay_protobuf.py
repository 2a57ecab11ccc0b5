"""The whole of test_replay_tempo once more with search answers in protobuf, as Tempo 2.10 and 3.x send them. A proxy
writes them again in front of the 2.8, which answers in JSON whatever it is asked. Fewer traces; every test is the
same."""
import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
import test_replay_tempo as over_json  # noqa: E402
from http_wire import Proxy, send_whole  # noqa: E402
from protobuf_answer import transcode  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402

over_json.TRACES = 7000


class NewerTempo:
    """A TempoServer whose `url` speaks protobuf; all else is the server's."""

    def __init__(self, server):
        self.server, self.written = server, 0
        self.proxy = Proxy(server.url, self._behave)
        self.proxy.__enter__()
        self.url = self.proxy.url

    def _behave(self, wire, request, answer):
        got = answer()
        again = transcode(request, got)
        self.written += again is not got
        send_whole(wire, request, again)
        return True

    def stop(self):
        self.proxy.__exit__()
        self.server.stop()

    def __getattr__(self, name):
        return getattr(self.server, name)


class ReplayOverProtobuf(over_json.ReplayOnTempo):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.tempo = NewerTempo(cls.tempo)
        cls.addClassCleanup(cls.tempo.proxy.__exit__)

    def test_zz_protobuf_was_spoken(self):
        self.assertGreater(self.tempo.written, 50)


if __name__ == "__main__":
    require_tempo()
    unittest.main()
