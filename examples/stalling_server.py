"""A server with four handlers. One of them, export(), holds the GIL.

The file plays its own three clients and ends by itself. This names the line that holds
the GIL: `gilscope watch examples/stalling_server.py`.
"""

import asyncio
import json

ROWS = [{"number": number, "name": str(number)} for number in range(100_000)]


async def index() -> str:
    return "hello"


async def wait() -> str:
    await asyncio.sleep(0.005)
    return "waited"


async def count() -> str:
    return str(sum(number for number in range(2_000)))


async def export() -> str:
    return json.dumps(ROWS)


HANDLERS = {"/": index, "/wait": wait, "/count": count, "/export": export}


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    path = (await reader.readline()).decode().strip()
    answer = await HANDLERS[path]()
    writer.write(answer.encode())
    writer.close()


async def visit(port: int, n_rounds: int) -> None:
    for number in range(n_rounds):
        for path in HANDLERS:
            if path == "/export" and number % 10:
                continue
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(f"{path}\n".encode())
            await reader.read()
            writer.close()


async def main() -> None:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    await asyncio.gather(*(visit(port, n_rounds=40) for _ in range(3)))
    server.close()


asyncio.run(main())
