"""Numbered datagrams from a correspondent to each node, and what became of them."""
import bisect
import collections
import contextlib
import select
import socket
import struct
import threading
import time

from roaming import testbed

PORT = 5001
MAGIC = b"soaking!"
LAYOUT = "!8sBxxxI"


def datagram(stream, number):
    return struct.pack(LAYOUT, MAGIC, stream, number) + bytes(96)


def stream_and_number(octets):
    """Of the first datagram of ours among these octets, None where there is none."""
    at = octets.find(MAGIC)
    if at < 0 or len(octets) < at + struct.calcsize(LAYOUT):
        return None
    return struct.unpack_from(LAYOUT, octets, at)[1:]


class Stream:
    """What one node was sent, and what came where."""

    def __init__(self):
        self.destination = None
        self.sent = []  # moments by number
        self.came = {}  # number: moment
        self.doubled = []
        self.astray = []

    def count(self, number, right):
        if not right:
            self.astray.append(number)
        elif number in self.came:
            self.doubled.append(number)
        else:
            self.came[number] = time.monotonic()

    def missing(self, begin, end):
        """Numbers that were sent between these moments and did not come."""
        first, last = bisect.bisect_left(self.sent, begin), bisect.bisect_left(self.sent, end)
        return [number for number in range(first, last) if number not in self.came]

    def sent_between(self, begin, end):
        return bisect.bisect_left(self.sent, end) - bisect.bisect_left(self.sent, begin)


class Traffic(threading.Thread):
    """A stream for each node, to where it was last told; `spoil` makes one go wrong on purpose."""

    def __init__(self, bed, nodes, rate):
        super().__init__(daemon=True)
        self.streams = {node: Stream() for node in nodes}
        self.interval = 1 / rate
        self.stopping = False
        self.spoil = collections.Counter()
        self.lock = threading.Lock()
        with testbed.entered(bed.namespace("cn")):
            self.sender = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        self.receivers = {}
        for node in nodes:
            with testbed.entered(bed.namespace(node)):
                receiver = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
                receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
                receiver.bind(("::", PORT))
                receiver.setblocking(False)
            self.receivers[receiver] = node
        self.start()

    def run(self):
        due = time.monotonic()
        while not self.stopping:
            wait = max(0, due - time.monotonic())
            for receiver in select.select(list(self.receivers), [], [], wait)[0]:
                self._receive(receiver)
            if time.monotonic() >= due:
                due = max(due + self.interval, time.monotonic() - 0.1)
                self._send()

    def _receive(self, receiver):
        with contextlib.suppress(BlockingIOError):
            while found := stream_and_number(receiver.recv(2048)):
                number, own = found[1], self.receivers[receiver]
                owner = list(self.streams)[found[0]]
                self.streams[owner].count(number, owner == own)

    def _send(self):
        for index, (node, stream) in enumerate(self.streams.items()):
            if not stream.destination:
                continue
            octets, copies = datagram(index, len(stream.sent)), 1
            if self.spoil["twice"] and not index:
                copies, self.spoil["twice"] = 2, 0
            elif self.spoil["astray"] and not index:
                octets, self.spoil["astray"] = datagram(1, 0), 0
            elif self.spoil["loss"] and not index:
                copies, self.spoil["loss"] = 0, 0
            stream.sent.append(time.monotonic())
            for _ in range(copies):
                with contextlib.suppress(OSError):
                    self.sender.sendto(octets, (stream.destination, PORT))

    def stop(self):
        self.stopping = True
        self.join()
        for each in (self.sender, *self.receivers):
            each.close()
