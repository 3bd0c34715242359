/** What outsiders call, and what errors consist of. Events are for services on the bus. */
export const publicProtos: readonly string[] = [
  "proto/plinth/audit/v1/audit.proto",
  "proto/plinth/audit/v1/log.proto",
  "proto/plinth/auth/v1/auth.proto",
  "proto/plinth/authz/v1/authz.proto",
  "proto/plinth/identity/v1/identity.proto",
  "proto/vendor/google/rpc/error_details.proto",
];
