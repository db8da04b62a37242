"""Sends one message by SMTP: encrypted unless the settings say otherwise, and then without a login."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Mapping
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any, Final

from engine.alerts import messages
from engine.alerts.delivery import RefusedError
from engine.alerts.outbox import Message
from engine.errors import EngineError, UnavailableError

_FINAL: Final = 500
"""Answers of SMTP from here on stay the same however often one asks."""


def write_mail(message: Message, members: Mapping[str, Any], cluster: str, now: datetime) -> EmailMessage:
    """Return a message as plain text; its id is the same for every try."""
    mail = EmailMessage()
    mail["Subject"] = " ".join(messages.title_of(message, cluster).split())[:200]
    mail["From"], mail["To"] = members["from"], ", ".join(members["to"])
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = f"<{message.id}@trueup.invalid>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(messages.text_of(message))
    return mail


def send_mail(mail: EmailMessage, members: Mapping[str, Any], password: str, tls: ssl.SSLContext, wait: float) -> None:
    """Deliver a message; it blocks.

    Raises:
        RefusedError: It will never be taken.
        UnavailableError: It was not taken this time; nothing was sent in plain text that should not be.
    """
    try:
        with _connect(members, tls, wait) as server:
            if password:
                server.login(members["username"], password)
            refused = server.send_message(mail)
    except smtplib.SMTPRecipientsRefused as exc:
        raise _not_for_all(exc.recipients, len(members["to"])) from exc
    except (smtplib.SMTPException, OSError) as exc:
        raise _explain(exc) from exc
    if refused:
        raise _not_for_all(refused, len(members["to"]))


def _connect(members: Mapping[str, Any], tls: ssl.SSLContext, wait: float) -> smtplib.SMTP:
    mode = members.get("tls", "starttls")
    host, port = members["host"], members.get("port", 465 if mode == "tls" else 587)
    if mode == "tls":
        return smtplib.SMTP_SSL(host, port, timeout=wait, context=tls)
    server = smtplib.SMTP(host, port, timeout=wait)
    if mode == "starttls":
        try:
            server.starttls(context=tls)
        except smtplib.SMTPNotSupportedError as exc:
            server.close()
            raise UnavailableError(
                "the mail server offers no STARTTLS: nothing was sent",
                hint="tls: tls is for servers that begin with TLS",
            ) from exc
        except BaseException:
            server.close()
            raise
    return server


def _explain(exc: smtplib.SMTPException | OSError) -> EngineError:
    """Return what a failure means, in words; a server's own words stay out, as they may quote what was sent."""
    match exc:
        case smtplib.SMTPAuthenticationError():
            return UnavailableError(f"the mail server refuses the login ({exc.smtp_code})")
        case smtplib.SMTPNotSupportedError():
            return UnavailableError("the mail server takes no login, or not in a way that is known here")
        case smtplib.SMTPResponseException() if exc.smtp_code >= _FINAL:
            return RefusedError(f"the mail server refuses the message ({exc.smtp_code})")
        case smtplib.SMTPResponseException():
            return UnavailableError(f"the mail server answered {exc.smtp_code}")
        case ssl.SSLCertVerificationError():
            return UnavailableError(
                f"the mail server's certificate is not trusted ({exc.verify_message}): nothing was sent"
            )
        case ssl.SSLError():
            return UnavailableError(f"TLS with the mail server failed ({exc.reason}): nothing was sent")
        case _:
            return UnavailableError(f"the mail server did not take the message ({type(exc).__name__})")


def _not_for_all(refused: Mapping[str, tuple[int, bytes]], count: int) -> EngineError:
    codes = sorted({code for code, _ in refused.values()})
    text = f"the mail server refuses {len(refused)} of {count} receivers ({', '.join(map(str, codes))})"
    return RefusedError(text) if codes[0] >= _FINAL else UnavailableError(text)
