"""Client for Plinth: sign-in, users, permissions, the audit log, and your own services behind the same gateway.

    with plinth.Client("https://api.example.com") as client:
        client.sign_in("ann@example.com", "...")
        for user in plinth.items(client.identity.ListUsers, ListUsersRequest(page_size=100)):
            print(user.email)

Calls are gRPC and fail with grpc.RpcError; plinth.fault(error) says what went wrong. A client may be used by many threads.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import random
import threading
import time
import urllib.parse
from typing import Any, Callable, Iterator, Mapping, NamedTuple, Optional

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool

from plinth.audit.v1 import audit_pb2_grpc, log_pb2_grpc
from plinth.auth.v1 import auth_pb2, auth_pb2_grpc
from plinth.authz.v1 import authz_pb2_grpc
from plinth.identity.v1 import identity_pb2_grpc
from plinth.sdk.v1 import status_pb2

__version__ = "0.1.0"
__all__ = ["Client", "Credentials", "Fault", "fault", "is_fault", "items", "pages"]

_ATTEMPTS_MAX = 3
_BACKOFF_INITIAL_S = 0.05
_BACKOFF_MAX_S = 1.0
# A server that wants to be left alone for longer is not called again within this call.
_PUSH_BACK_MAX_S = 5.0
# Retries are at most a tenth of the calls, and these at once.
_BUDGET_RATIO = 0.1
_BUDGET_MAX = 10.0
# A token is renewed so long before it is over, but in the last fifth of its life only.
_RENEW_BEFORE_S = 30.0


class Credentials(NamedTuple):
    """Of a service account, as AuthService.CreateServiceCredential returns them."""

    client_id: str
    client_secret: str


@dataclasses.dataclass(frozen=True)
class Fault:
    """Why a call failed."""

    code: grpc.StatusCode
    reason: str
    """For programs: one of docs/errors.md, or of your own services. Empty when no server said anything."""
    message: str
    request_id: Optional[str]
    """Finds the call in the platform's logs and in the audit log."""
    retry_after_s: Optional[float]
    details: Mapping[str, str]


def fault(error: BaseException) -> Optional[Fault]:
    """What a failed call says; None for an error that is not one of a call."""
    if not (isinstance(error, grpc.RpcError) and hasattr(error, "trailing_metadata")):
        return None
    metadata = dict(error.initial_metadata() or ())
    metadata.update(error.trailing_metadata() or ())
    info, retry = status_pb2.ErrorInfo(), status_pb2.RetryInfo()
    for detail in status_pb2.Status.FromString(metadata.get("grpc-status-details-bin", b"")).details:
        if detail.type_url.endswith("/google.rpc.ErrorInfo"):
            info.ParseFromString(detail.value)
        elif detail.type_url.endswith("/google.rpc.RetryInfo"):
            retry.ParseFromString(detail.value)
    after = None
    if retry.HasField("retry_delay"):
        after = retry.retry_delay.seconds + retry.retry_delay.nanos / 1e9
    elif metadata.get("retry-after", "").isdigit():
        after = float(metadata["retry-after"])
    return Fault(error.code(), info.reason, error.details() or "", metadata.get("x-request-id"), after, dict(info.metadata))


def is_fault(error: BaseException, *reasons: str) -> bool:
    """Whether a call failed for one of these reasons; for any reason when none is named."""
    found = fault(error)
    return found is not None and (not reasons or found.reason in reasons)


def pages(list_rpc: Callable[[Any], Any], request: Any) -> Iterator[Any]:
    """The pages of a list, each fetched when it is asked for."""
    page_request = type(request)()
    page_request.CopyFrom(request)
    while True:
        page = list_rpc(page_request)
        yield page
        if not page.next_page_token:
            return
        page_request.page_token = page.next_page_token


def items(list_rpc: Callable[[Any], Any], request: Any) -> Iterator[Any]:
    """Everything in a list, page by page: what the page's one repeated field holds (AIP-158)."""
    for page in pages(list_rpc, request):
        values = [getattr(page, field.name) for field in page.DESCRIPTOR.fields]
        # Maps are none, and not every version of protobuf tells of a field whether it is repeated.
        lists = [value for value in values if isinstance(value, collections.abc.MutableSequence)]
        if len(lists) != 1:
            raise TypeError(f"{page.DESCRIPTOR.full_name} has {len(lists)} lists: go through it with pages()")
        yield from lists[0]


class Client:
    """Typed clients of the platform's services, with one session.

    url: of the platform's gateway. timeout_s: deadline of calls that bring none; streams have none. channel: what clients of
    your own services are made with, for the same session: NotesServiceStub(client.channel).
    """

    def __init__(
        self,
        url: str,
        *,
        credentials: Optional[Credentials] = None,
        timeout_s: float = 10.0,
        now: Callable[[], float] = time.time,
    ) -> None:
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.path.strip("/"):
            raise ValueError(f"{url!r}: give the gateway's URL as http://HOST:PORT or https://HOST, without a path")
        if parts.scheme == "https":
            target = parts.netloc if parts.port else f"{parts.netloc}:443"
            self._bare = grpc.secure_channel(target, grpc.ssl_channel_credentials())
        else:
            target = parts.netloc if parts.port else f"{parts.netloc}:80"
            self._bare = grpc.insecure_channel(target)
        anonymous = grpc.intercept_channel(self._bare, _Calls(None, timeout_s))
        self._plain = auth_pb2_grpc.AuthServiceStub(anonymous)
        self._acts_as_service = credentials is not None
        self._tokens = _Tokens(self._issue(credentials) if credentials else self._refresh, bool(credentials), now)
        self.channel = grpc.intercept_channel(self._bare, _Calls(self._tokens, timeout_s))
        self.auth = auth_pb2_grpc.AuthServiceStub(self.channel)
        self.identity = identity_pb2_grpc.IdentityServiceStub(self.channel)
        self.authz = authz_pb2_grpc.AuthzServiceStub(self.channel)
        self.audit = audit_pb2_grpc.AuditServiceStub(self.channel)
        self.audit_log = log_pb2_grpc.LogServiceStub(self.channel)

    def sign_in(self, email: str, password: str, device_name: str = "") -> None:
        """Begins a user's session. Its tokens go with every call and are renewed by themselves."""
        if self._acts_as_service:
            raise ValueError("this client acts as a service: make another one for a user")
        request = auth_pb2.LoginRequest(email=email, password=password, device_name=device_name)
        self._tokens.put(self._plain.Login(request))

    def sign_out(self) -> None:
        """Forgets the session, then ends it at the platform. Without a session nothing happens."""
        held = self._tokens.drop()
        if held is not None and held.refresh_token:
            self._plain.Logout(auth_pb2.LogoutRequest(refresh_token=held.refresh_token))

    def close(self) -> None:
        self._bare.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _refresh(self, held: Any) -> Any:
        return self._plain.Refresh(auth_pb2.RefreshRequest(refresh_token=held.refresh_token))

    def _issue(self, credentials: Credentials) -> Callable[[Any], Any]:
        request = auth_pb2.IssueServiceTokenRequest(
            client_id=credentials.client_id, client_secret=credentials.client_secret
        )
        return lambda _: self._plain.IssueServiceToken(request)


class _Held(NamedTuple):
    """A TokenSet with when it came, by this machine's clock."""

    set: Any
    received_s: float


class _Tokens:
    """The tokens of calls. Whoever finds them wanting renews them; the others wait, because a refresh token is used once."""

    def __init__(self, fetch: Callable[[Any], Any], by_itself: bool, now: Callable[[], float]) -> None:
        self._fetch = fetch
        # A service account's first token is fetched without anybody signing in.
        self._by_itself = by_itself
        self._now = now
        self._lock = threading.Lock()
        self._held: Optional[_Held] = None
        self._failures = 0
        self._failure: Optional[grpc.RpcError] = None

    def put(self, tokens: Any) -> None:
        with self._lock:
            self._held = _Held(tokens, self._now())

    def drop(self) -> Any:
        with self._lock:
            held, self._held = self._held, None
            return held.set if held else None

    def current(self) -> Optional[_Held]:
        """What a call takes that is made now; None for an anonymous one."""
        held = self._held
        if held is None:
            return self.replace(None) if self._by_itself else None
        lifetime_s, age_s = held.set.expires_in, self._now() - held.received_s
        if age_s < lifetime_s - min(_RENEW_BEFORE_S, lifetime_s / 5):
            return held
        try:
            return self.replace(held)
        except grpc.RpcError as error:
            # The platform is away for the moment; the token is good for a while yet.
            if error.code() != grpc.StatusCode.UNAUTHENTICATED and age_s < lifetime_s:
                return held
            raise

    def replace(self, refused: Optional[_Held]) -> Optional[_Held]:
        """Others of the same session in place of what is over or was refused; None when there are none."""
        failures = self._failures
        with self._lock:
            held = self._held
            if held is not refused:
                # Somebody else may have signed in: a call is never made again as another user.
                same = held is None or refused is None or held.set.session_id == refused.set.session_id
                return held if same else None
            if self._failure is not None and self._failures != failures:
                # Another call found out while this one waited for it.
                raise self._failure
            try:
                self._held = _Held(self._fetch(held.set if held else None), self._now())
                return self._held
            except grpc.RpcError as error:
                if error.code() == grpc.StatusCode.UNAUTHENTICATED:
                    self._held = None
                self._failures, self._failure = self._failures + 1, error
                raise


class _Details(NamedTuple):
    """What grpc asks of the details of a call."""

    method: str
    timeout: Optional[float]
    metadata: Any
    credentials: Any
    wait_for_ready: Any
    compression: Any


# They prove who calls by what they carry: an old token beside it would only be refused.
_WITHOUT_TOKEN = {f"/plinth.auth.v1.AuthService/{rpc}" for rpc in ("Login", "Refresh", "Logout", "IssueServiceToken")}


class _Calls(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor):
    """Adds what every call wants: deadline, token, one more attempt with a new token, retries."""

    def __init__(self, tokens: Optional[_Tokens], timeout_s: float) -> None:
        self._tokens = tokens
        self._timeout_s = timeout_s
        self._budget = _BUDGET_MAX
        self._lock = threading.Lock()

    def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        deadline_s = time.monotonic() + (details.timeout if details.timeout is not None else self._timeout_s)
        with self._lock:
            self._budget = min(_BUDGET_MAX, self._budget + _BUDGET_RATIO)
        attempt, replaced = 1, False
        while True:
            token = self._token(details)
            call = continuation(_with(details, token, max(0.001, deadline_s - time.monotonic())), request)
            code = call.code()
            if code == grpc.StatusCode.OK:
                return call
            # Nothing was carried out, whatever the RPC does.
            if code == grpc.StatusCode.UNAUTHENTICATED and token is not None and not replaced:
                replaced = True
                if self._tokens is not None and self._tokens.replace(token) is not None:
                    continue
            wait_s = self._wait_s(details.method, call, attempt)
            if wait_s is None or time.monotonic() + wait_s >= deadline_s:
                return call
            time.sleep(wait_s)
            attempt += 1

    def intercept_unary_stream(self, continuation: Any, details: Any, request: Any) -> Any:
        return continuation(_with(details, self._token(details), details.timeout), request)

    def _token(self, details: Any) -> Optional[_Held]:
        own = any(key.lower() == "authorization" for key, _ in details.metadata or ())
        if self._tokens is None or own or details.method in _WITHOUT_TOKEN:
            return None
        return self._tokens.current()

    def _wait_s(self, method: str, call: Any, attempt: int) -> Optional[float]:
        """Seconds before another attempt; None: there is none."""
        if attempt >= _ATTEMPTS_MAX or not _is_idempotent(method):
            return None
        found = fault(call.exception())
        if found is None or found.code not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED):
            return None
        wish_s = found.retry_after_s
        pushed_back = dict(call.trailing_metadata() or ()).get("grpc-retry-pushback-ms")
        if pushed_back is not None:
            if not pushed_back.isdigit():
                return None
            wish_s = int(pushed_back) / 1000
        # Only a server that says when to come back has room for a call that it refused for want of room.
        if wish_s is None and found.code == grpc.StatusCode.RESOURCE_EXHAUSTED:
            return None
        with self._lock:
            if (wish_s or 0) > _PUSH_BACK_MAX_S or self._budget < 1:
                return None
            self._budget -= 1
        ceiling_s = min(_BACKOFF_MAX_S, _BACKOFF_INITIAL_S * 2 ** (attempt - 1))
        return (wish_s or 0) + ceiling_s * (0.1 + 0.9 * random.random())


def _with(details: Any, token: Optional[_Held], timeout_s: Optional[float]) -> _Details:
    metadata = list(details.metadata or ())
    if token is not None:
        metadata.append(("authorization", f"Bearer {token.set.access_token}"))
    rest = (getattr(details, name, None) for name in ("credentials", "wait_for_ready", "compression"))
    return _Details(details.method, timeout_s, metadata, *rest)


def _is_idempotent(method: str) -> bool:
    """Whether the proto says that a call may be made again although it may have been carried out."""
    service, _, rpc = method.lstrip("/").partition("/")
    try:
        found = descriptor_pool.Default().FindServiceByName(service).methods_by_name[rpc]
    except KeyError:
        return False
    level = found.GetOptions().idempotency_level
    return level != descriptor_pb2.MethodOptions.IDEMPOTENCY_UNKNOWN
