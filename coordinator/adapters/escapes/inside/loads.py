"""Escapes by using up what everybody shares. Each is bounded, also where nothing else bounds it."""

import contextlib
import mmap
import os
import signal
import sys
import threading
import time

from .trying import Scene, Stopped, attempt

_CHUNK = 1 << 20


@attempt("fork-bomb")
def fork_bomb(scene: Scene) -> str:
    """Starts ever more processes."""
    children: list[int] = []
    told = ""
    try:
        while len(children) < scene.processes:
            child = os.fork()
            if child == 0:
                time.sleep(60)
                os._exit(0)
            children.append(child)
        time.sleep(scene.hold_s)
    except OSError as error:
        told = f"{len(children)} processes: {error.strerror}"
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
        for child in children:
            os.waitpid(child, 0)
    if told:
        raise Stopped(told)
    return f"{len(children)} processes"


@attempt("thread-bomb")
def thread_bomb(scene: Scene) -> str:
    """Starts ever more threads."""
    end = threading.Event()
    threads: list[threading.Thread] = []
    threading.stack_size(128 * 1024)
    try:
        while len(threads) < scene.processes:
            thread = threading.Thread(target=end.wait, daemon=True)
            thread.start()
            threads.append(thread)
        time.sleep(scene.hold_s)
    except RuntimeError as error:
        raise Stopped(f"{len(threads)} threads: {error}") from error
    finally:
        end.set()
    return f"{len(threads)} threads"


@attempt("memory-of-one")
def memory_of_one(scene: Scene) -> str:
    """Takes more memory than it may have."""
    taken = mmap.mmap(-1, scene.memory_bytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    size = len(taken)
    taken.close()
    return f"{size} bytes"


@attempt("memory-of-many")
def memory_of_many(scene: Scene) -> str:
    """Takes it in pieces, each of which a process may have."""
    children = []
    share = scene.memory_bytes // 6
    reading, writing = os.pipe()
    for _ in range(6):
        child = os.fork()
        if child == 0:
            taken = bytearray(share)
            for place in range(0, share, mmap.PAGESIZE):
                taken[place] = 1
            os.write(writing, b"x")
            time.sleep(60)
            os._exit(0)
        children.append(child)
    os.close(writing)
    got = b""
    while len(got) < 6 and (more := os.read(reading, 6)):
        got += more
    time.sleep(scene.hold_s)
    for child in children:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    if len(got) < 6:
        raise Stopped(f"{len(got)} of 6 shares")
    return f"{6 * share} bytes over 6 processes"


def _filled(folder: str, scene: Scene) -> str:
    path = os.path.join(folder, f"{scene.marker}-large")
    written = 0
    try:
        with open(path, "wb", buffering=0) as file:
            while written < scene.disk_bytes:
                written += file.write(b"x" * _CHUNK)
    finally:
        with contextlib.suppress(OSError):
            os.unlink(path)
    return f"{written} bytes"


@attempt("disk-of-tmp")
def disk_of_tmp(scene: Scene) -> str:
    """Fills /tmp."""
    return _filled(scene.tmp, scene)


@attempt("disk-of-memory")
def disk_of_memory(scene: Scene) -> str:
    """Fills /dev/shm, which is memory."""
    return _filled("/dev/shm", scene)


@attempt("disk-of-results")
def disk_of_results(scene: Scene) -> str:
    """Fills the folder for answers."""
    return _filled(scene.out, scene)


@attempt("many-files")
def many_files(scene: Scene) -> str:
    """Makes so many files that nobody can make one more."""
    folder = f"{scene.tmp}/{scene.marker}-files"
    os.mkdir(folder)
    try:
        for number in range(scene.files):
            os.close(os.open(f"{folder}/{number}", os.O_CREAT | os.O_WRONLY))
    finally:
        for number in range(scene.files):
            with contextlib.suppress(OSError):
                os.unlink(f"{folder}/{number}")
        with contextlib.suppress(OSError):
            os.rmdir(folder)
    return f"{scene.files} files"


@attempt("processor")
def processor(scene: Scene) -> str:
    """Computes without end."""
    end = time.monotonic() + scene.cpu_s
    while time.monotonic() < end:
        pass
    return f"{scene.cpu_s:g} seconds"


@attempt("silence")
def silence(scene: Scene) -> str:
    """Ignores every signal that can be ignored, and waits."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    time.sleep(scene.cpu_s)
    return f"{scene.cpu_s:g} seconds"


@attempt("output")
def output(scene: Scene) -> str:
    """Prints without end."""
    written = 0
    while written < scene.output_bytes:
        written += os.write(sys.stdout.fileno(), b"y" * 1_023 + b"\n")
    return f"{written} bytes"
