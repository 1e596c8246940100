#!/usr/bin/python3 -B
"""A TCP proxy whose links can be slowed, held, emptied on the way, cut and sent elsewhere.

It reads commands from standard input, one JSON object a line, and answers each with a line:
{"link": NAME, …} with any of
    "target": PORT            where new connections go; the first such command opens the link and is
                              answered with its own port
    "up", "down": MODE        what happens to bytes from clients (up) and to them: "pass"; "hold":
                              delivered later, even if the sender has gone meanwhile; "swallow": lost
    "watch": MODE             the same for what comes down to those who have subscribed to something,
                              if it passes otherwise
    "delay_s": SECONDS        of everything, in both directions
    "refuse": BOOL            whether new connections are closed at once
    "cut": true               closes all connections, with what is held
It ends with its standard input.
"""

import asyncio
import collections
import json
import sys


class Side(asyncio.Protocol):
    """One of the two ends of a connection; bytes that come in here leave at the peer."""

    def __init__(self, link, direction):
        self.link = link
        self.direction = direction
        self.peer = None
        self.transport = None
        self.waiting = collections.deque()  # bytes that have come and not left; None: the end
        self.has_lost = False
        self.has_subscribed = False

    @property
    def mode(self):
        mode = self.link.modes[self.direction]
        listens = self.direction == "down" and self.peer is not None and self.peer.has_subscribed
        return self.link.modes["watch"] if listens and mode == "pass" else mode

    def connection_made(self, transport):
        self.transport = transport
        self.link.sides.add(self)

    def data_received(self, data):
        if self.mode == "swallow":
            self.has_lost = True
        else:
            self.put(data)

    def put(self, data):
        self.waiting.append(data)
        if self.link.delay_s > 0:
            asyncio.get_running_loop().call_later(self.link.delay_s, self.pump)
        else:
            self.pump()

    def pump(self):
        if self.mode == "hold" or self.peer is None or not self.peer.transport:
            return
        while self.waiting:
            data = self.waiting.popleft()
            if data is None:
                self.link.sides.discard(self)
                self.peer.transport.close()
            elif not self.peer.transport.is_closing():
                self.peer.transport.write(data)

    def connection_lost(self, _error):
        self.put(None)

    def abort(self):
        self.waiting.clear()
        self.link.sides.discard(self)
        if self.transport:
            self.transport.abort()


class Client(Side):
    def __init__(self, link):
        super().__init__(link, "up")

    def connection_made(self, transport):
        super().connection_made(transport)
        self.connecting = asyncio.get_running_loop().create_task(self.link.connect(self))

    def data_received(self, data):
        self.has_subscribed = self.has_subscribed or b"SUBSCRIBE" in data
        super().data_received(data)


class Link:
    def __init__(self):
        self.target = None
        self.modes = {"up": "pass", "down": "pass", "watch": "pass"}
        self.delay_s = 0
        self.refuse = False
        self.sides = set()
        self.port = None

    async def open(self):
        server = await asyncio.get_running_loop().create_server(
            lambda: Client(self), "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]

    async def connect(self, client):
        try:
            if self.refuse:
                raise OSError
            _, server = await asyncio.get_running_loop().create_connection(
                lambda: Side(self, "down"), "127.0.0.1", self.target)
        except OSError:
            client.abort()
            return
        client.peer, server.peer = server, client
        client.pump()
        server.pump()

    def change(self, command):
        self.target = command.get("target", self.target)
        self.delay_s = command.get("delay_s", self.delay_s)
        self.refuse = command.get("refuse", self.refuse)
        for direction in self.modes:
            self.modes[direction] = command.get(direction, self.modes[direction])
        for side in list(self.sides):
            # A stream that has lost bytes is no stream any more.
            if command.get("cut") or (side.has_lost and side.mode == "pass"):
                for one in (side, side.peer):
                    if one is not None:
                        one.abort()
            else:
                side.pump()


async def serve():
    links = collections.defaultdict(Link)
    loop = asyncio.get_running_loop()
    commands = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    while line := await commands.readline():
        command = json.loads(line)
        link = links[command["link"]]
        link.change(command)
        if link.port is None:
            await link.open()
        print(link.port, flush=True)


asyncio.run(serve())
