import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { decodePageToken, encodePageToken, Fault, platformServiceNames, uuidForm } from "@plinth/kernel";
import type { AuthService, ServiceCredentialSchema } from "@plinth/proto/plinth/auth/v1/auth";
import type { Handler } from "@plinth/rpc";
import type { CredentialStore, ServiceCredential } from "../store/credential-store.ts";

const defaultPageSize = 50;
const dayMs = 86_400_000;
/** Names of the platform's own services: a credential must not speak for them. */
const reservedNames = new Set([...platformServiceNames, "operator", "plinth-cli"]);

export function createServiceCredential(
  credentials: CredentialStore,
): Handler<typeof AuthService.method.createServiceCredential> {
  return async ({ serviceName, description, lifetimeDays }, call) => {
    if (reservedNames.has(serviceName)) {
      throw new Fault({
        code: "invalid_argument",
        reason: "SERVICE_NAME_RESERVED",
        message: `"${serviceName}" is a service of the platform: choose another name`,
      });
    }
    const lifetimeMs = lifetimeDays === 0 ? undefined : lifetimeDays * dayMs;
    const { credential, secret } = await credentials.create({ serviceName, description, lifetimeMs }, call);
    return { credential: toMessage(credential), clientSecret: secret };
  };
}

export function listServiceCredentials(
  credentials: CredentialStore,
): Handler<typeof AuthService.method.listServiceCredentials> {
  return async ({ pageSize, pageToken }) => {
    const limit = pageSize || defaultPageSize;
    const found = await credentials.list({
      after: decodePageToken("credentials", pageToken, uuidForm),
      limit: limit + 1,
    });
    const page = found.slice(0, limit);
    const last = page.at(-1);
    return {
      credentials: page.map(toMessage),
      nextPageToken: found.length > limit && last ? encodePageToken("credentials", last.clientId) : "",
    };
  };
}

export function revokeServiceCredential(
  credentials: CredentialStore,
): Handler<typeof AuthService.method.revokeServiceCredential> {
  return async ({ clientId }, call) => {
    await credentials.revoke(clientId, call);
    return {};
  };
}

function toMessage({
  createTime,
  expireTime,
  lastUsedTime,
  ...rest
}: ServiceCredential): MessageInitShape<typeof ServiceCredentialSchema> {
  return {
    ...rest,
    createTime: timestampFromDate(createTime),
    ...(expireTime ? { expireTime: timestampFromDate(expireTime) } : {}),
    ...(lastUsedTime ? { lastUsedTime: timestampFromDate(lastUsedTime) } : {}),
  };
}
