"""Receivers of alerts, over HTTP and SMTP; what is told and to whom is not decided here."""
