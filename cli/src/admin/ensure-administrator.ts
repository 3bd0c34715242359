import { type Client, Code, ConnectError, createClient, type Interceptor } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import type { Clock } from "@plinth/kernel";
import { AuthzService } from "@plinth/proto/plinth/authz/v1/authz";
import { IdentityService } from "@plinth/proto/plinth/identity/v1/identity";

export interface AdministratorOptions {
  email: string;
  password: string;
  /** What becomes of the password of an account that exists. */
  ifThere: "keep password" | "set password";
  /** Base URLs of the services themselves: a workload token does not pass the gateway. */
  identityUrl: string;
  authzUrl: string;
  /** Of a workload that is an administrator itself. */
  workloadToken: string;
  clock: Clock;
  /** Services that are not there yet are asked again for so long. */
  patienceMs: number;
}

export interface Administrator {
  userId: string;
  /** False when the account was there already. */
  created: boolean;
}

const callTimeoutMs = 15_000;
const pauseMs = { first: 100, max: 2_000 };

/** Makes sure that an account exists and that it is an administrator of the platform. May be repeated at any time. */
export async function ensureAdministrator(options: AdministratorOptions): Promise<Administrator> {
  const identity = createClient(IdentityService, transport(options.identityUrl, options.workloadToken));
  const authz = createClient(AuthzService, transport(options.authzUrl, options.workloadToken));
  const found = await patiently(options, () => ensureUser(identity, options));
  const admin = { object: "platform:plinth", relation: "admin", subject: `user:${found.userId}` };
  await patiently(options, () => authz.writeRelationships({ writes: [admin], idempotent: true }));
  return found;
}

async function ensureUser(
  identity: Client<typeof IdentityService>,
  { email, password, ifThere }: AdministratorOptions,
): Promise<Administrator> {
  try {
    const { id } = await identity.createUser({ email, password, displayName: "Administrator" });
    return { userId: id, created: true };
  } catch (err) {
    if (!(err instanceof ConnectError) || err.code !== Code.AlreadyExists) throw err;
  }
  const { users } = await identity.listUsers({ filter: { email }, pageSize: 1 });
  const [user] = users;
  if (!user) throw new Error(`identity says that ${email} exists but does not list it`);
  if (ifThere === "set password") await identity.setPassword({ id: user.id, password });
  return { userId: user.id, created: false };
}

/** Services that have just become ready may still look for each other. */
async function patiently<T>({ clock, patienceMs }: AdministratorOptions, call: () => Promise<T>): Promise<T> {
  const deadline = clock.monotonicMs() + patienceMs;
  for (let waitMs = pauseMs.first; ; waitMs = Math.min(waitMs * 2, pauseMs.max)) {
    try {
      return await call();
    } catch (err) {
      const away = err instanceof ConnectError && err.code === Code.Unavailable;
      if (!away || clock.monotonicMs() > deadline) {
        throw new Error(`the first administrator could not be made: ${(err as Error).message}`, { cause: err });
      }
      await clock.sleep(waitMs);
    }
  }
}

function transport(baseUrl: string, token: string) {
  const withToken: Interceptor = (next) => (request) => {
    request.header.set("x-plinth-workload-token", token);
    return next(request);
  };
  return createConnectTransport({
    baseUrl,
    httpVersion: "1.1",
    interceptors: [withToken],
    defaultTimeoutMs: callTimeoutMs,
    readMaxBytes: 4 * 1024 * 1024,
  });
}
