"""A TCP proxy between clients, processes and servers, that can cut a connection or let it stand still."""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

_CHUNK = 65_536


@dataclass(eq=False)
class Proxy:
    """One listening port on loopback that leads to another."""

    to_port: int
    port: int = 0
    server: asyncio.Server | None = None
    open_pairs: set[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = field(default_factory=set)
    flows: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self) -> None:
        self.flows.set()
        self.server = await asyncio.start_server(self._join, "127.0.0.1", 0)
        self.port = int(self.server.sockets[0].getsockname()[1])

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self.flows.wait()
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.to_port)
        except OSError:
            writer.transport.abort()
            return
        pair = (writer, far_writer)
        self.open_pairs.add(pair)
        pumps = [asyncio.ensure_future(self._pump(*ends)) for ends in ((reader, far_writer), (far_reader, writer))]
        try:
            # Either side's end is the end of both: nobody here half-closes.
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.open_pairs.discard(pair)
            for pump in pumps:
                pump.cancel()
            for end in pair:
                end.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(_CHUNK):
                await self.flows.wait()
                writer.write(data)
                await writer.drain()

    async def cut(self, share: float, dice: random.Random) -> int:
        chosen = [pair for pair in tuple(self.open_pairs) if dice.random() < share]
        for pair in chosen:
            for end in pair:
                end.transport.abort()
        return len(chosen)


class Network:
    """Proxies on a loop in a thread of its own; every method may be called from any other thread."""

    def __init__(self) -> None:
        self._proxies: list[Proxy] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="network", daemon=True)
        self._thread.start()

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def proxy(self, to_port: int) -> Proxy:
        """A new way to a port; nobody need listen there yet."""

        async def make() -> Proxy:
            proxy = Proxy(to_port)
            await proxy.serve()
            self._proxies.append(proxy)
            return proxy

        made: Proxy = self._do(make())
        return made

    def cut(self, proxy: Proxy, *, share: float = 1.0, dice: random.Random | None = None) -> int:
        """Reset about this share of the connections, both halves at once. Returns how many were."""
        cut: int = self._do(proxy.cut(share, dice or random.Random(0)))
        return cut

    def hold(self, proxy: Proxy) -> None:
        """Let nothing through from now on; connections stay open."""
        self._loop.call_soon_threadsafe(proxy.flows.clear)

    def let_flow(self, proxy: Proxy) -> None:
        """Let through what was held, and what comes."""
        self._loop.call_soon_threadsafe(proxy.flows.set)

    def close(self) -> None:
        """Cut everything, listen no longer, and end the loop."""

        async def end() -> None:
            for proxy in self._proxies:
                if proxy.server is not None:
                    proxy.server.close()
                await proxy.cut(1.0, random.Random(0))
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        self._do(end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()
