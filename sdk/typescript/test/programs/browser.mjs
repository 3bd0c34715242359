// A program of a user's page: uses what browsers have, nothing of Node. Calls back with what it saw.
import { browserStore, createPlinth, isFault, items } from "@plinth/sdk";

export async function visit({ url, admin, storage }) {
  const saw = {};
  const plinth = createPlinth({ url, session: browserStore(storage ? { storage } : {}) });
  await plinth.session.signIn(admin);
  const prefix = `web-${Date.now()}`;
  await plinth.identity.createUser({ email: `${prefix}@test.example`, displayName: "Web" });
  saw.names = [];
  for await (const user of items(plinth.identity.listUsers, { filter: { emailPrefix: prefix } })) {
    saw.names.push(user.displayName);
  }
  saw.unknown = await plinth.identity.getUser({ id: crypto.randomUUID() }).then(
    () => "found",
    (error) => isFault(error, "USER_NOT_FOUND") && typeof error.requestId,
  );
  // Another tab: a client of its own over the same storage sees the session, and both renew a refused token as one.
  const tab = createPlinth({ url, session: browserStore(storage ? { storage } : {}) });
  const store = browserStore(storage ? { storage } : {});
  const renewals = [];
  for (const client of [plinth, tab]) client.session.onChange((_, change) => renewals.push(change));
  store.save({ ...store.load(), accessToken: "no token" });
  const { userId } = await tab.session.current();
  await Promise.all([plinth, tab, plinth, tab].map((client) => client.identity.getUser({ id: userId })));
  saw.renewals = [...renewals];
  await tab.session.signOut();
  saw.signedOut = (await plinth.session.current()) === undefined;
  return saw;
}
