"""The way from a container to what listens on this computer's loopback: open while needed, to containers alone."""

import errno
import json
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from ipaddress import ip_network

from cli.errors import CannotRun

LOOPBACK = "127.0.0.1"
CHUNK_BYTES = 65_536


def bridge_address() -> str:
    """This computer's address on Docker's own bridge; raises CannotRun where no Docker engine answers."""
    if not shutil.which("docker"):
        raise CannotRun("Docker is not there; install it, `sam local invoke` runs functions in its containers.")
    asked = ["docker", "network", "inspect", "bridge", "--format", "{{json .IPAM.Config}}"]
    told = subprocess.run(asked, capture_output=True, text=True, check=False)
    if told.returncode:
        raise CannotRun(f"The Docker engine does not answer ({told.stderr.strip()}); start it, then try again.")
    bridge = json.loads(told.stdout)[0]
    return str(bridge.get("Gateway") or next(ip_network(bridge["Subnet"]).hosts()))


@contextmanager
def open_to_containers(ports: Sequence[int]) -> Iterator[None]:
    """Pass on what containers send to these ports to the same ports of the loopback, until the end.

    It listens on Docker's bridge alone. Where Docker runs in a virtual machine it leads containers here by itself.
    """
    address = bridge_address()
    with ExitStack() as ways:
        for port in ports:
            listener = _listener(address, port)
            if listener is not None:
                ways.enter_context(listener)
                threading.Thread(target=_accept, args=(listener, port), daemon=True).start()
        yield


def _listener(address: str, port: int) -> socket.socket | None:
    try:
        return socket.create_server((address, port))
    except OSError as problem:
        if problem.errno == errno.EADDRNOTAVAIL:  # not this computer's: Docker runs in a virtual machine
            return None
        if problem.errno == errno.EADDRINUSE:  # open already, by another invocation that may end before this one
            raise CannotRun(f"Port {port} of {address} is in use; wait for the other invocation to end.") from problem
        raise CannotRun(f"Containers cannot be let in on {address}:{port} ({problem.strerror}).") from problem


def _accept(listener: socket.socket, port: int) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_connect, args=(client, port), daemon=True).start()


def _connect(client: socket.socket, port: int) -> None:
    try:
        server = socket.create_connection((LOOPBACK, port), timeout=5)
    except OSError:
        client.close()
        return
    server.settimeout(None)
    back = threading.Thread(target=_pass_on, args=(server, client), daemon=True)
    back.start()
    _pass_on(client, server)
    back.join()
    for end in (client, server):
        end.close()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    try:
        while chunk := source.recv(CHUNK_BYTES):
            target.sendall(chunk)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return
