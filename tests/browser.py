"""A headless Chromium, driven by Chrome's own protocol over a pipe: no port is opened and no library is needed."""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or ""
MISSING = "no chromium here: apt-get install chromium"
_PATIENCE_S = 60.0
_FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
    *("--remote-debugging-pipe", "--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *(
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        "--force-color-profile=srgb",
        "--hide-scrollbars",
        "--lang=en",
    ),
)
_KEYS = {"Enter": (13, "\r"), "Escape": (27, ""), "ArrowUp": (38, ""), "ArrowDown": (40, ""), "ArrowLeft": (37, "")}
_KEYS |= {"ArrowRight": (39, ""), "Home": (36, ""), "End": (35, ""), "Tab": (9, ""), "PageDown": (34, "")}


@dataclass
class Browser:
    """One page of one browser."""

    reading: int
    writing: int
    session: str = ""
    events: list[dict[str, Any]] = field(default_factory=list)
    _buffer: bytes = b""
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send one command and return its result; events that come meanwhile are kept."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        message |= {"sessionId": self.session} if self.session else {}
        os.write(self.writing, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == number:
                assert "error" not in answer, (method, answer["error"])
                found: dict[str, Any] = answer["result"]
                return found
            self.events.append(answer)

    def _read(self) -> dict[str, Any]:
        limit = time.monotonic() + _PATIENCE_S
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self.reading], [], [], max(0.0, limit - time.monotonic()))
            assert ready, "the browser says nothing"
            more = os.read(self.reading, 1 << 20)
            assert more, "the browser has ended"
            self._buffer += more
        raw, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(raw)
        return message

    def wait(self, event: str) -> dict[str, Any]:
        """Return the next event of a kind."""
        while True:
            for at, message in enumerate(self.events):
                if message["method"] == event:
                    return self.events.pop(at)
            self.events.append(self._read())

    def open(self, address: str) -> None:
        """Load a page to its end, and count its requests and messages anew."""
        self.events.clear()
        self.call("Page.navigate", url=address)
        self.wait("Page.loadEventFired")

    def run(self, script: str) -> Any:
        """Return what an expression gives; a promise is waited for."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def press(self, *keys: str) -> None:
        """Press keys, one after another: names of keys, or characters."""
        for key in keys:
            code, text = _KEYS.get(key, (ord(key[0].upper()), key))
            what = {"key": key, "windowsVirtualKeyCode": code, **({"text": text} if text else {})}
            self.call("Input.dispatchKeyEvent", type="keyDown", **what)
            self.call("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)

    def look(self, *, width: int = 1280, height: int = 800, dark: bool = False) -> None:
        """Take a screen: its size, light or dark; a narrow one is a phone."""
        is_phone = width < 600
        size = {"width": width, "height": height, "deviceScaleFactor": 2 if is_phone else 1, "mobile": is_phone}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def send_headers(self, **headers: str) -> None:
        """Send these with every request from now on."""
        self.call("Network.setExtraHTTPHeaders", headers=headers)

    def screenshot(self, path: Path) -> None:
        """Save what is seen."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    def seen(self, event: str) -> list[dict[str, Any]]:
        """Return what came of a kind since the page was opened."""
        return [e["params"] for e in self.events if e["method"] == event]


@contextlib.contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """Start a browser with a profile of its own in a folder, and end it."""
    to_browser, writing = os.pipe()
    reading, from_browser = os.pipe()
    command = [CHROMIUM, *_FLAGS, f"--user-data-dir={folder}", "about:blank"]
    shell = ["bash", "-c", f'exec "$@" 3<&{to_browser} 4>&{from_browser}', "bash", *command]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            shell, pass_fds=(to_browser, from_browser), stdout=log, stderr=log, start_new_session=True
        )
    os.close(to_browser)
    os.close(from_browser)
    try:
        made = Browser(reading, writing)
        (target,) = [t for t in made.call("Target.getTargets")["targetInfos"] if t["type"] == "page"]
        attached = made.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        made.session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            made.call(f"{domain}.enable")
        yield made
    finally:
        with contextlib.suppress(OSError):
            os.killpg(process.pid, 15)
        process.wait(10)
        os.close(reading)
        os.close(writing)
