"""The mail servers that letters are handed to: Postfix, Exim and OpenSMTPD, set alike.

All take letters for `acme.example`, where `gone` is nobody, from whoever comes, and for others from
whoever logs in. What they take they bring to the store. None takes more than LARGEST bytes.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.harness.mail_policy import Policy
from tests.harness.mail_servers import PASSWORD, USER, Root, Store, free_ports

LARGEST = 200_000
OWNED = "billing@meridian.example"
"""The sender that USER alone may write as, at Postfix."""


@dataclass(frozen=True)
class MailServerAt:
    """`tls`: the port that is encrypted from the first byte; 0 where there is none. `ca_file`: who
    vouches for it, as `localhost`.
    """

    name: str
    ca_file: Path
    port: int
    tls: int = 0


POSTFIX = f"""
compatibility_level = 3.6
queue_directory = /var/spool/postfix
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
data_directory = /var/lib/postfix
mail_owner = postfix
default_privs = vmail
setgid_group = postdrop
maillog_file = /var/log/postfix.log
myhostname = mail.example
mydestination =
mynetworks =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
local_recipient_maps =
relay_domains = acme.example
relay_recipient_maps = regexp:{{{{ {{{{!/^gone@/ known}}}} }}}}
relay_transport = lmtp:inet:127.0.0.1:{{store.lmtp}}
default_transport = discard
message_size_limit = {LARGEST}
smtpd_error_sleep_time = 0
smtpd_soft_error_limit = 100
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_tls_cert_file = /etc/tls/server.pem
smtpd_tls_key_file = /etc/tls/server.key
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:127.0.0.1:{{store.login}}
smtpd_sender_login_maps = inline:{{{{ {OWNED}={USER} }}}}
smtpd_sender_restrictions = reject_authenticated_sender_login_mismatch
smtpd_helo_restrictions = reject_invalid_helo_hostname, reject_non_fqdn_helo_hostname
smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination
smtpd_recipient_restrictions = check_policy_service inet:127.0.0.1:{{policy.port}}
"""
POSTFIX_SERVICES = """
127.0.0.1:{port} inet n - n - - smtpd
127.0.0.1:{tls} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
lmtp unix - - n - - lmtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""
QUEUES = (
    "active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "maildrop",
    "private", "public", "saved", "trace",
)  # fmt: skip


@contextmanager
def postfix(root: Root, store: Store, policy: Policy) -> Iterator[MailServerAt]:
    """Asks `policy` about each recipient, and the store about who logs in."""
    port, tls = free_ports(2)
    root.write("postfix/main.cf", POSTFIX.format(store=store, policy=policy))
    root.write("postfix/master.cf", POSTFIX_SERVICES.format(port=port, tls=tls))
    for name in QUEUES:
        root.folder(f"var/spool/postfix/{name}", "postfix")
    root.folder("var/spool/postfix/pid", "root")
    root.folder("var/lib/postfix", "postfix")
    root.folder("var/log", "root")
    with root.running("/usr/lib/postfix/sbin/master", "-d", ports=[port, tls]):
        yield MailServerAt("postfix", store.ca_file, port, tls)


EXIM = r"""
primary_hostname = mail.example
exim_user = Debian-exim
exim_group = Debian-exim
spool_directory = /var/spool/exim4
log_file_path = /tmp/exim-%slog
pid_file_path = /tmp/exim.pid
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port} : {tls}
tls_on_connect_ports = {tls}
tls_advertise_hosts = *
tls_certificate = /etc/tls/server.pem
tls_privatekey = /etc/tls/server.key
smtputf8_advertise_hosts = *
message_size_limit = {largest}
acl_smtp_rcpt = rcpt
acl_smtp_data = data
host_lookup =
rfc1413_hosts =
keep_environment =
begin acl
rcpt:
  deny message = relay not permitted
       !authenticated = *
       !domains = acme.example
  deny message = Unknown user
       local_parts = gone
  accept
data:
  deny message = maximum allowed line length is 998 octets
       condition = ${{if > {{$max_received_linelength}}{{998}}}}
  accept
begin routers
store:
  driver = manualroute
  domains = acme.example
  route_data = 127.0.0.1
  self = send
  transport = store
nobody:
  driver = redirect
  data = :blackhole:
begin transports
store:
  driver = smtp
  protocol = lmtp
  port = {lmtp}
  allow_localhost
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and {{{{eq{{$auth2}}{{{user}}}}}{{eq{{$auth3}}{{{password}}}}}}}}}
  server_set_id = $auth2
  server_advertise_condition = ${{if def:tls_in_cipher}}
"""


@contextmanager
def exim(root: Root, store: Store) -> Iterator[MailServerAt]:
    """Refuses lines of more than 998 characters, as Debian sets it."""
    port, tls = free_ports(2)
    settings = EXIM.format(
        port=port, tls=tls, lmtp=store.lmtp, largest=LARGEST, user=USER, password=PASSWORD
    )
    root.write("exim4/exim4.conf", settings)
    root.folder("var/spool/exim4", "Debian-exim")
    with root.running("/usr/sbin/exim4", "-bdf", "-q1m", ports=[port, tls]):
        yield MailServerAt("exim", store.ca_file, port, tls)


OPENSMTPD = """
smtp max-message-size "{largest}"
listen on 127.0.0.1 port {port} hostname mail.example
action "store" relay host "lmtp://127.0.0.1:{lmtp}"
match !from any for any reject
match from any for domain "acme.example" rcpt-to regex "^gone@" reject
match from any for domain "acme.example" action "store"
"""


@contextmanager
def opensmtpd(root: Root, store: Store) -> Iterator[MailServerAt]:
    """Without encryption and users, which Debian's cannot do with its own OpenSSL."""
    (port,) = free_ports(1)
    settings = OPENSMTPD.format(port=port, lmtp=store.lmtp, largest=LARGEST)
    root.write("smtpd.conf", settings)
    root.write("mailname", "mail.example\n")
    root.folder("var/run", "root")
    root.folder("var/lib/opensmtpd/empty", "root")
    root.folder("var/spool/smtpd", "root").chmod(0o711)
    with root.running("/usr/sbin/smtpd", "-F", ports=[port]):
        yield MailServerAt("opensmtpd", store.ca_file, port)


@asynccontextmanager
async def deaf_line(port: int) -> AsyncIterator[int]:
    """A port that leads to that one, and breaks when the server answers a letter, unheard."""

    async def connect(heard: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        answers, server = await asyncio.open_connection("127.0.0.1", port)
        ended = asyncio.Event()

        async def bring_answers() -> None:
            while (answer := await answers.read(65536)) and not ended.is_set():
                back.write(answer)
            back.close()

        bringing = asyncio.create_task(bring_answers())
        tail = b""
        while said := await heard.read(65536):
            tail = (tail + said)[-5:]
            if tail == b"\r\n.\r\n":
                ended.set()
            server.write(said)
        await bringing
        server.close()

    listening = await asyncio.start_server(connect, "127.0.0.1", 0)
    async with listening:
        yield listening.sockets[0].getsockname()[1]
