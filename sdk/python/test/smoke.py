"""Against a running platform, whose gateway and administrator GATEWAY_URL, ADMIN_EMAIL and ADMIN_PASSWORD name."""

import concurrent.futures
import os
import time
import uuid

import grpc

import plinth
from plinth.audit.v1 import log_pb2
from plinth.auth.v1 import auth_pb2
from plinth.authz.v1 import authz_pb2
from plinth.identity.v1 import identity_pb2, identity_pb2_grpc

URL = os.environ["GATEWAY_URL"]
EMAIL, PASSWORD = os.environ["ADMIN_EMAIL"], os.environ["ADMIN_PASSWORD"]


def failure(call, request):
    try:
        call(request)
    except grpc.RpcError as error:
        return plinth.fault(error)
    raise AssertionError(f"{request} did not fail")


ahead_s = 0.0
client = plinth.Client(URL, now=lambda: time.time() + ahead_s)

assert failure(client.identity.ListUsers, identity_pb2.ListUsersRequest()).code == grpc.StatusCode.UNAUTHENTICATED
try:
    client.sign_in(EMAIL, "wrong")
    raise AssertionError("a wrong password was taken")
except grpc.RpcError as error:
    assert plinth.is_fault(error, "INVALID_CREDENTIALS"), plinth.fault(error)
client.sign_in(EMAIL, PASSWORD, device_name="Python test")

prefix = f"py-{uuid.uuid4().hex[:12]}"
users = [
    client.identity.CreateUser(identity_pb2.CreateUserRequest(email=f"{prefix}-{name}@test.example", display_name=name))
    for name in "abc"
]
listed = identity_pb2.ListUsersRequest(page_size=2, filter=identity_pb2.ListUsersFilter(email_prefix=prefix))
assert [user.display_name for user in plinth.items(client.identity.ListUsers, listed)] == ["a", "b", "c"]
assert [len(page.users) for page in plinth.pages(client.identity.ListUsers, listed)] == [2, 1]

question = authz_pb2.CheckRequest(
    object="platform:plinth", relation="can_manage_users", subject=f"user:{users[0].id}"
)
assert not client.authz.Check(question).allowed
assert next(client.audit_log.ExportEntries(log_pb2.ExportEntriesRequest(format=log_pb2.EXPORT_FORMAT_JSON_LINES))).lines

unknown = failure(client.identity.GetUser, identity_pb2.GetUserRequest(id=str(uuid.uuid4())))
assert (unknown.code, unknown.reason) == (grpc.StatusCode.NOT_FOUND, "USER_NOT_FOUND"), unknown
assert unknown.request_id, unknown

refreshes = []
refresh = client._plain.Refresh
client._plain.Refresh = lambda request: refreshes.append(request) or refresh(request)


def ten_at_once():
    refreshes.clear()
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        got = pool.map(client.identity.GetUser, [identity_pb2.GetUserRequest(id=users[0].id)] * 10)
        assert all(user.id == users[0].id for user in got)
    assert len(refreshes) == 1, f"{len(refreshes)} renewals for ten calls"


# The token is about to be over.
ahead_s += 290
ten_at_once()
# The token is refused although it looks fresh.
client._tokens._held.set.access_token = "no token"
ten_at_once()

# A client of a service of the user's own is made over the same channel.
assert identity_pb2_grpc.IdentityServiceStub(client.channel).GetUser(identity_pb2.GetUserRequest(id=users[0].id)).id

credential = client.auth.CreateServiceCredential(auth_pb2.CreateServiceCredentialRequest(service_name="py-robot"))
with plinth.Client(
    URL, credentials=plinth.Credentials(credential.credential.client_id, credential.client_secret)
) as robot:
    refused = failure(robot.identity.DeleteUser, identity_pb2.DeleteUserRequest(id=users[0].id))
    assert refused.reason == "PERMISSION_DENIED", refused

client.sign_out()
client.sign_out()
signed_out = failure(client.identity.GetUser, identity_pb2.GetUserRequest(id=users[0].id))
assert signed_out.code == grpc.StatusCode.UNAUTHENTICATED, signed_out
client.close()
print("ok")
