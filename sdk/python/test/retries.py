"""Against a server that fails as a test wants it to, which the platform's would not."""

import concurrent.futures

import grpc

import plinth
from plinth.identity.v1 import identity_pb2, identity_pb2_grpc


class Failing(identity_pb2_grpc.IdentityServiceServicer):
    def __init__(self):
        self.failures, self.calls, self.push_back = 0, 0, None

    def GetUser(self, request, context):
        self.calls += 1
        if self.failures > 0:
            self.failures -= 1
            if self.push_back:
                context.set_trailing_metadata((("grpc-retry-pushback-ms", self.push_back),))
            context.abort(grpc.StatusCode.UNAVAILABLE, "away")
        return identity_pb2.User()

    CreateUser = GetUser


failing = Failing()
server = grpc.server(concurrent.futures.ThreadPoolExecutor(2))
identity_pb2_grpc.add_IdentityServiceServicer_to_server(failing, server)
port = server.add_insecure_port("127.0.0.1:0")
server.start()

cases = (
    # RPC, failures, what the server wants, calls, whether it succeeds, deadline in seconds
    ("GetUser", 2, None, 3, True, 60),
    ("GetUser", 3, None, 3, False, 60),
    ("GetUser", 1, "20", 2, True, 60),
    ("GetUser", 1, "never", 1, False, 60),
    ("GetUser", 1, "4900", 1, False, 4.5),  # later than the deadline
    ("CreateUser", 1, None, 1, False, 60),
)
for rpc, failures, push_back, calls, succeeds, timeout_s in cases:
    with plinth.Client(f"http://127.0.0.1:{port}", timeout_s=timeout_s) as client:
        failing.failures, failing.calls, failing.push_back = failures, 0, push_back
        try:
            getattr(client.identity, rpc)(getattr(identity_pb2, f"{rpc}Request")())
            succeeded = True
        except grpc.RpcError as error:
            assert plinth.fault(error).code == grpc.StatusCode.UNAVAILABLE, error
            succeeded = False
        assert (failing.calls, succeeded) == (calls, succeeds), (rpc, failures, push_back, failing.calls, succeeded)
server.stop(None)
print("ok")
