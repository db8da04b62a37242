"""Endpoints of the pod: certificates that change while they are served, and who is let in."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from engine.app.certificates import certificate_of, own_certificate
from engine.app.gatekeeper import Gatekeeper, Verdict
from engine.app.health import Door, Page, Request, serving
from engine.errors import InvalidSpecError, UnavailableError
from tests.apiserver.certificates import Authority
from tests.fakes import FakeClock

PAGES = {"/metrics": lambda request: Page(body=f"for {request.headers.get('accept', 'anybody')}\n")}


def seen(door: Door, meanwhile: Callable[[], None] = lambda: None) -> tuple[x509.Certificate, x509.Certificate]:
    """Return the certificates a client is shown, before and after something happened."""

    async def look() -> tuple[x509.Certificate, x509.Certificate]:
        async with serving({"--there": door}) as ports:
            first = await _shown(ports["--there"])
            meanwhile()
            return first, await _shown(ports["--there"])

    return asyncio.run(look())


async def _shown(port: int) -> x509.Certificate:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    raw = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    return x509.load_der_x509_certificate(raw)


def door(context: ssl.SSLContext) -> Door:
    return Door(address="127.0.0.1:0", pages=PAGES, context=context)


@pytest.mark.loopback
def test_an_own_certificate_is_made_anew_before_it_expires() -> None:
    """It is good for ninety days and replaced after sixty, without a restart."""
    clock = FakeClock(datetime.now(UTC))

    early, late = seen(door(own_certificate(clock)), lambda: clock.advance(61 * 86_400))

    assert early.not_valid_after_utc - clock.now() < timedelta(days=30)
    assert late.not_valid_after_utc - clock.now() > timedelta(days=89)
    assert early.public_key() != late.public_key()


@pytest.mark.loopback
def test_an_own_certificate_stays_meanwhile() -> None:
    """Two connections in a row see the same one."""
    first, second = seen(door(own_certificate(FakeClock(datetime.now(UTC)))))

    assert first == second


def put_certificate(folder: Path, common: str) -> None:
    """Write a certificate where a mounted Secret has it."""
    authority = Authority(folder)
    issued = authority.issue("tls", common)
    assert issued == folder / "tls.crt"


@pytest.mark.loopback
def test_files_that_were_replaced_are_shown(tmp_path: Path) -> None:
    """The next connection sees the new certificate; one that cannot be used changes nothing."""
    put_certificate(tmp_path, "first")

    def replace() -> None:
        put_certificate(tmp_path, "second")

    first, second = seen(door(certificate_of("--metrics-cert-dir", tmp_path)), replace)
    context = certificate_of("--metrics-cert-dir", tmp_path)
    _, third = seen(door(context), lambda: (tmp_path / "tls.crt").write_text("nothing") and None)

    names = [c.subject.rfc4514_string() for c in (first, second, third)]
    assert ["first" in names[0], "second" in names[1], "second" in names[2]] == [True, True, True]


def test_a_folder_without_certificate_ends_the_start(tmp_path: Path) -> None:
    """The error names option, folder and files."""
    with pytest.raises(InvalidSpecError, match=r"--metrics-cert-dir: .* holds no certificate") as caught:
        certificate_of("--metrics-cert-dir", tmp_path)

    assert "tls.crt and tls.key" in str(caught.value)


class Cluster:
    """Says what it is told to say, and counts how often it was asked."""

    def __init__(self, verdict: Verdict | Exception = None) -> None:
        self.verdict = verdict
        self.asked: list[tuple[str, str]] = []

    def __call__(self, token: str, path: str) -> Verdict:
        self.asked.append((token, path))
        if isinstance(self.verdict, Exception):
            raise self.verdict
        return self.verdict


def ask(gatekeeper: Gatekeeper, authorization: str = "Bearer abc", path: str = "/metrics") -> int:
    """Return the status of a request; 200 where it is let in."""
    headers = {"authorization": authorization} if authorization else {}
    verdict = asyncio.run(gatekeeper.admit(Request(method="GET", path=path, headers=headers)))
    return verdict.status if verdict is not None else 200


@pytest.mark.parametrize("header", ["", "Basic abc", "Bearer", "Bearer  "])
def test_without_a_token_nobody_is_asked(header: str) -> None:
    """No token is 401 without a request to the API server."""
    cluster = Cluster()

    status = ask(Gatekeeper(cluster, FakeClock()), header)

    assert (status, cluster.asked) == (401, [])


@pytest.mark.parametrize(("verdict", "lasts"), [(None, 60), (Page(body="no", status=403), 10)], ids=["in", "out"])
def test_verdicts_are_remembered_for_a_moment(verdict: Verdict, lasts: int) -> None:
    """Who scrapes every few seconds costs a question a minute; who gets a right gets in soon."""
    clock, cluster = FakeClock(), Cluster(verdict)
    gatekeeper = Gatekeeper(cluster, clock)

    ask(gatekeeper)
    clock.advance(lasts - 1)
    ask(gatekeeper)
    before = len(cluster.asked)
    clock.advance(2)
    ask(gatekeeper)

    assert (before, len(cluster.asked)) == (1, 2)


def test_a_verdict_is_about_one_token_and_one_path() -> None:
    """Another token or another path is another question."""
    cluster = Cluster()
    gatekeeper = Gatekeeper(cluster, FakeClock())

    for authorization, path in (("Bearer a", "/x"), ("bearer b", "/x"), ("Bearer a", "/y"), ("Bearer a", "/x")):
        ask(gatekeeper, authorization, path)

    assert cluster.asked == [("a", "/x"), ("b", "/x"), ("a", "/y")]


def test_a_cluster_that_does_not_answer_lets_nobody_in() -> None:
    """It is 503, asked again the next time."""
    cluster = Cluster(UnavailableError("the cluster does not answer"))
    gatekeeper = Gatekeeper(cluster, FakeClock())

    statuses = [ask(gatekeeper), ask(gatekeeper)]

    assert (statuses, len(cluster.asked)) == ([503, 503], 2)
