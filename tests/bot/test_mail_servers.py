"""Letters handed to the mail servers that people run."""

import imaplib
import smtplib
import ssl

import pytest

from tests.harness.mail_servers import PASSWORD, Store


def test_the_store_shows_what_it_was_brought_to_whoever_knows_the_password(store: Store) -> None:
    with smtplib.LMTP("127.0.0.1", store.lmtp) as bringing:
        bringing.sendmail(
            "ana@mail.example", ["billing@mail.example"], "Subject: Hello\r\n\r\nx\r\n"
        )
    trusting = ssl.create_default_context(cafile=str(store.ca_file))
    with imaplib.IMAP4_SSL("localhost", store.imaps, ssl_context=trusting) as client:
        with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
            client.login("billing", "wrong")
        client.login("billing", PASSWORD)
        assert client.select() == ("OK", [b"1"])
    assert b"Subject: Hello" in store.mails("billing")[0]
