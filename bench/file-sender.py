"""Sends requests out of a file over connections that file-sender.ts has opened and logged in, and tells what came of it.

    file-sender.py PROTOCOL FILE CONNECTIONS

PROTOCOL, `mysql` or `http`, is that of the answers. The connections are the descriptors from 3 on, not blocking. Standard input has a
JSON array of where each request ends in the file on its first line, and "go" on its second, which is waited for after "ready" was
written. Then each connection takes the next request when its last was answered. Written in the end, as JSON: seconds, the processor time
of this process in them, and milliseconds of each request. Whatever goes wrong ends it with status 1 and a line on standard error.

sendfile gives the pages of the file to the socket as they are, where write copies what it is given.
"""

import gc
import json
import os
import re
import resource
import select
import sys
import time

FIRST_DESCRIPTOR = 3
# Read at a time: memory for it is made anew for each answer.
ANSWER_BYTES = 4 * 1024

MYSQL_HEADER_BYTES = 4
MYSQL_OK = 0x00
# Marker, error number, "#" and SQLSTATE.
MYSQL_ERROR_HEAD_BYTES = 9

CONTENT_LENGTH = re.compile(rb"^content-length: *(\d+)", re.IGNORECASE | re.MULTILINE)
CHUNKED = re.compile(rb"^transfer-encoding: *chunked", re.IGNORECASE | re.MULTILINE)


def mysql_answered(answer):
    """Whether the answer is complete; raises on one that is no OK."""
    if len(answer) < MYSQL_HEADER_BYTES:
        return False
    if len(answer) < MYSQL_HEADER_BYTES + int.from_bytes(answer[:3], "little"):
        return False
    if answer[MYSQL_HEADER_BYTES] != MYSQL_OK:
        text = answer[MYSQL_HEADER_BYTES + MYSQL_ERROR_HEAD_BYTES :].decode(errors="replace")
        raise RuntimeError(f"not answered with OK: {text}")
    return True


def http_answered(answer):
    """Whether the answer is complete; raises on a status other than 2xx."""
    head, found, body = answer.partition(b"\r\n\r\n")
    if not found:
        return False
    length = CONTENT_LENGTH.search(head)
    if length is not None:
        is_complete = len(body) >= int(length.group(1))
    elif CHUNKED.search(head) is not None:
        is_complete = body.endswith(b"0\r\n\r\n")
    else:
        is_complete = True
    if is_complete and head[9:10] != b"2":
        raise RuntimeError(f"answered with {answer.decode(errors='replace')}")
    return is_complete


ANSWERED = {"mysql": mysql_answered, "http": http_answered}


class Connection:
    """One request under way at a time."""

    def __init__(self, descriptor):
        self.descriptor = descriptor
        self.request = 0
        self.sent_at = 0.0
        # Of the request's bytes in the file: the next to send, and behind the last.
        self.at = 0
        self.end = 0
        self.answer = b""


def run(requests, ends, connections, answered):
    """Seconds of each request; returns when the last was answered."""
    # Nothing here needs it, and what it costs would be the generator's.
    gc.disable()
    latencies = [0.0] * len(ends)
    poll = select.epoll()
    by_descriptor = {connection.descriptor: connection for connection in connections}
    waiting = iter(range(len(ends)))
    active = 0

    def push(connection):
        """As much as the socket takes; what is left goes when it takes more."""
        try:
            while connection.at < connection.end:
                left = connection.end - connection.at
                connection.at += os.sendfile(connection.descriptor, requests, connection.at, left)
        except BlockingIOError:
            return False
        return True

    def begin(connection):
        request = next(waiting, None)
        if request is None:
            return False
        connection.request = request
        connection.at = ends[request - 1] if request > 0 else 0
        connection.end = ends[request]
        connection.sent_at = time.perf_counter()
        if not push(connection):
            poll.modify(connection.descriptor, select.EPOLLIN | select.EPOLLOUT)
        return True

    for connection in connections:
        poll.register(connection.descriptor, select.EPOLLIN)
        active += begin(connection)
    while active > 0:
        for descriptor, events in poll.poll():
            connection = by_descriptor[descriptor]
            if events & select.EPOLLOUT and push(connection):
                poll.modify(descriptor, select.EPOLLIN)
            if not events & ~select.EPOLLOUT:
                continue
            received = os.read(descriptor, ANSWER_BYTES)
            if not received:
                raise RuntimeError("connection closed by the server")
            connection.answer += received
            if not answered(connection.answer):
                continue
            latencies[connection.request] = time.perf_counter() - connection.sent_at
            connection.answer = b""
            active -= not begin(connection)
    return latencies


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main(protocol, file, count):
    ends = json.loads(sys.stdin.readline())
    connections = [Connection(FIRST_DESCRIPTOR + index) for index in range(int(count))]
    requests = os.open(file, os.O_RDONLY)
    print("ready", flush=True)
    sys.stdin.readline()
    cpu_before = cpu_seconds()
    start = time.perf_counter()
    latencies = run(requests, ends, connections, ANSWERED[protocol])
    result = {
        "seconds": time.perf_counter() - start,
        "cpuSeconds": cpu_seconds() - cpu_before,
        "latenciesMs": [seconds * 1000 for seconds in latencies],
    }
    print(json.dumps(result), flush=True)


try:
    main(*sys.argv[1:])
except (OSError, RuntimeError) as error:
    sys.exit(f"{error}")
