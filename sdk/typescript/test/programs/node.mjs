// A program of a user: plain JavaScript with the package as npm installs it. Prints what it saw as one line of JSON.
// node.mjs URL PROXY-THAT-SPEAKS-HTTP/1.1-ONLY, and {email, password} of an administrator in ADMIN.
import { createPlinth, isFault, items, memoryStore, pages } from "@plinth/sdk";
import { IdentityService } from "@plinth/sdk/identity";

const [url, http1Url] = process.argv.slice(2);
const admin = JSON.parse(process.env.ADMIN);
const saw = {};

/** A clock that can be put forward. */
let aheadMs = 0;
const clock = {
  now: () => Date.now() + aheadMs,
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};
const failure = (work) =>
  work.then(
    () => undefined,
    (error) => error,
  );

const store = memoryStore();
const plinth = createPlinth({ url, session: store, clock });
const changes = [];
const unsubscribe = plinth.session.onChange((session, change) => changes.push([change, session?.userId !== undefined]));

saw.anonymous = (await failure(plinth.identity.getUser({ id: crypto.randomUUID() })))?.code;
saw.wrongPassword = (await failure(plinth.session.signIn({ email: admin.email, password: "wrong" })))?.reason;
const me = await plinth.session.signIn({ ...admin, deviceName: "SDK test" });
saw.current = JSON.stringify(await plinth.session.current()) === JSON.stringify(me);
saw.device = (await plinth.auth.listSessions({})).sessions.find((session) => session.current)?.deviceName;
saw.protocol = plinth.protocol();

const prefix = `sdk-${process.pid}-`;
const created = [];
for (const name of ["a", "b", "c", "d", "e"]) {
  created.push(await plinth.identity.createUser({ email: `${prefix}${name}@test.example`, displayName: name }));
}
const listed = { pageSize: 2, filter: { emailPrefix: prefix } };
saw.items = [];
for await (const user of items(plinth.identity.listUsers, listed)) saw.items.push(user.displayName);
saw.pages = [];
for await (const page of pages(plinth.identity.listUsers, listed)) saw.pages.push(page.users.length);

const check = (userId) =>
  plinth.authz.check({ object: "platform:plinth", relation: "can_manage_users", subject: `user:${userId}` });
saw.allowed = [(await check(me.userId)).allowed, (await check(created[0].id)).allowed];

for (let tries = 0; tries < 1_200 && !saw.audited; tries++) {
  const filter = { resource: `users/${created[0].id}`, action: "plinth.identity.v1.UserCreated" };
  for await (const entry of items(plinth.audit.listEntries, { filter }))
    saw.audited = entry.actor === `user:${me.userId}`;
  if (!saw.audited) await clock.sleep(50);
}
saw.exported = 0;
for await (const { lines } of plinth.auditLog.exportEntries({ format: 1 })) saw.exported += lines.length;

const unknown = await failure(plinth.identity.getUser({ id: crypto.randomUUID() }));
saw.unknown = [
  isFault(unknown, "USER_NOT_FOUND"),
  isFault(unknown, "EMAIL_TAKEN"),
  unknown.code,
  unknown.requestId !== undefined,
];
const invalid = await failure(plinth.identity.createUser({ email: "no address", displayName: "x".repeat(201) }));
saw.invalid = [invalid.reason, invalid.fieldViolations.map(({ field, description }) => [field, description !== ""])];
const expired = await failure(plinth.identity.listUsers({}, { timeoutMs: 1, signal: AbortSignal.abort() }));
saw.aborted = expired.code;

// The token is about to be over: ten calls at once renew it once.
changes.length = 0;
aheadMs += 290_000;
const before = (await store.load()).refreshToken;
await Promise.all(Array.from({ length: 10 }, () => plinth.identity.getUser({ id: me.userId })));
saw.renewedBefore = [...changes];
saw.rotated = (await store.load()).refreshToken !== before;

// The platform refuses the token although it looks fresh: renewed once, and the calls are made again.
changes.length = 0;
store.save({ ...(await store.load()), accessToken: (await store.load()).accessToken.slice(0, -8) });
await Promise.all(Array.from({ length: 10 }, () => plinth.identity.getUser({ id: me.userId })));
saw.renewedAfter = [...changes];

// A call that is no retry's is made again all the same: a refused token means that nothing happened.
store.save({ ...(await store.load()), accessToken: "no token" });
saw.createdAfter = (await plinth.identity.createUser({ email: `${prefix}f@test.example` })).id !== "";

const { credential, clientSecret } = await plinth.auth.createServiceCredential({ serviceName: "sdk-robot" });
await plinth.authz.writeRelationships({
  writes: [{ object: "platform:plinth", relation: "auditor", subject: "service:sdk-robot" }],
  idempotent: true,
});
const robot = createPlinth({ url, credentials: { clientId: credential.clientId, clientSecret }, clock });
saw.robot = (await robot.client(IdentityService).listUsers(listed)).users.length;
aheadMs += 290_000;
saw.robotLater = (await robot.identity.listUsers(listed)).users.length;
saw.robotRefused = (await failure(robot.identity.deleteUser({ id: created[0].id })))?.reason;

const behind = createPlinth({ url: http1Url });
await behind.session.signIn(admin);
saw.fallback = [behind.protocol(), (await failure(behind.identity.getUser({ id: crypto.randomUUID() })))?.reason];

// Somebody else ended the session: the client finds out, forgets it and says so.
await plinth.auth.revokeSession({ sessionId: (await store.load()).sessionId });
changes.length = 0;
aheadMs += 290_000;
saw.ended = (await failure(plinth.identity.getUser({ id: me.userId })))?.reason;
saw.endedChanges = [...changes];
saw.forgotten = (await plinth.session.current()) === undefined;

await plinth.session.signIn(admin);
changes.length = 0;
await plinth.session.signOut();
await plinth.session.signOut();
saw.signedOut = [...changes];
unsubscribe();
saw.afterSignOut = (await failure(plinth.identity.getUser({ id: me.userId })))?.code;
saw.away = (await failure(createPlinth({ url: "http://127.0.0.1:1" }).identity.getUser({ id: me.userId })))?.code;
process.stdout.write(`${JSON.stringify(saw)}\n`);
// Nothing is closed: idle connections must not keep the process alive.
