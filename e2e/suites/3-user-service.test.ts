import { readFileSync } from "node:fs";
import path from "node:path";
import { eventually } from "@plinth/testing";
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from "vitest";
import { root } from "../../tools/run.ts";
import { curl, signIn } from "../platform/calls.ts";
import { ensurePlatform } from "../platform/ensure-platform.ts";
import { apply, conditions, get, kubectl, list, wait } from "../platform/kubectl.ts";
import { notesVersions, provideNotesVersions } from "../platform/notes-versions.ts";
import { administrator, gatewayUrl } from "../platform/platform.ts";
import { startTraffic } from "../platform/traffic.ts";

/** Another one than the platform's. */
const namespace = "team";
const manifest = readFileSync(path.join(root, "examples/notes/platformservice.yaml"), "utf8");
const withImage = (image: string): string => manifest.replace(/image: .*/, `image: ${image}`);

let url: string;
let token: string;

beforeAll(async () => {
  await ensurePlatform(inject("target"));
  await provideNotesVersions();
  await kubectl("delete", "namespace", namespace, "--ignore-not-found", "--timeout=240s");
  await kubectl("create", "namespace", namespace);
  url = await gatewayUrl();
});
// A token is over after five minutes, and all of them take longer.
beforeEach(async () => {
  token = await signIn(url, await administrator());
});
afterAll(async () => {
  await kubectl("delete", "namespace", namespace, "--ignore-not-found", "--timeout=240s");
});

const notes = () => get("psvc", "notes", namespace);
const call = (method: string, message: object) => curl(`${url}/notes.v1.NotesService/${method}`, message, token);

/** A call as a client makes it that keeps its connection. */
async function listNotes(): Promise<void> {
  const response = await fetch(`${url}/notes.v1.NotesService/ListNotes`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
    body: "{}",
  });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${response.status} ${text.slice(0, 200)}`);
}

describe("a service of a user", () => {
  test("is Ready after kubectl apply, and works through the gateway", async () => {
    await apply(manifest, "-n", namespace);
    await wait("psvc/notes", "condition=Ready", namespace);
    const created = await eventually(async () => {
      const answer = await call("CreateNote", { title: "First", text: "made before every change" });
      expect(answer.status, JSON.stringify(answer.body)).toBe(200);
      return answer.body;
    }, 240_000);
    const found = await call("GetNote", { id: created["id"] });
    expect(found).toMatchObject({ status: 200, body: { title: "First" } });
    expect((await notes())?.status).toMatchObject({
      migration: { applied: 1, pending: 0 },
      image: "plinth/notes:0.1.0",
    });
  });

  test("leaves in the audit log which routes it has, and with which settings it runs", async () => {
    await eventually(async () => {
      const filter = { action: "plinth.configuration." };
      const { body } = await curl(`${url}/plinth.audit.v1.AuditService/ListEntries`, { filter, pageSize: 500 }, token);
      const entries = body["entries"] as { resource: string; details: { after?: object } }[];
      const about = (resource: string) =>
        entries.find((entry) => entry.resource.startsWith(`configurations/${resource}`));
      expect(about(`gateway/routes/${namespace}/notes/`)?.details.after).toMatchObject({ authentication: "Required" });
      expect(about(`notes.${namespace}/settings/process`)?.details.after).toMatchObject({
        PLINTH_DISCOVERY_DRIVER: "kubernetes",
      });
    }, 240_000);
  });

  test("is upgraded with a new migration under traffic, and no request fails", async () => {
    const traffic = startTraffic({ call: listNotes, pauseMs: 100 });
    await apply(withImage(notesVersions.next.image), "-n", namespace);
    await eventually(async () => {
      expect((await notes())?.status).toMatchObject({ image: notesVersions.next.image, migration: { applied: 2 } });
    }, 240_000);
    await gone(notesVersions.next.image);
    const { sent, failed } = await traffic.stop();
    expect(failed).toEqual([]);
    expect(sent).toBeGreaterThan(20);
  });

  test("keeps its old version when a migration fails, and says why", async () => {
    const traffic = startTraffic({ call: listNotes, pauseMs: 100 });
    await apply(withImage(notesVersions.broken.image), "-n", namespace);
    await eventually(async () => {
      const { Ready, Migrated, Stalled } = conditions(await notes());
      expect(Migrated).toMatchObject({ status: "False", reason: "MigrationFailed" });
      expect(Migrated?.message).toContain(notesVersions.broken.file);
      expect(Migrated?.message).toContain("no_such_table");
      expect(Stalled?.status).toBe("True");
      expect(Ready).toMatchObject({ status: "True", reason: "PreviousVersionServing" });
    }, 240_000);
    const { failed } = await traffic.stop();
    expect(failed).toEqual([]);
    expect((await notes())?.status.image).toBe(notesVersions.next.image);
  });

  test("goes on with a corrected image", async () => {
    await apply(withImage(notesVersions.fixed.image), "-n", namespace);
    await eventually(async () => {
      const service = await notes();
      const { Ready, Stalled } = conditions(service);
      expect(Ready).toMatchObject({ status: "True", reason: "Ready" });
      expect(Stalled?.status ?? "False").toBe("False");
      expect(service?.status).toMatchObject({
        image: notesVersions.fixed.image,
        migration: { applied: 3, pending: 0 },
      });
    }, 240_000);
    const { status, body } = await call("ListNotes", {});
    expect(status).toBe(200);
    expect(body["notes"]).toMatchObject([{ title: "First" }]);
  });

  test("leaves its data behind when it is deleted, and finds it again", async () => {
    await kubectl("delete", "psvc", "notes", "-n", namespace, "--timeout=240s");
    await eventually(async () => expect(await list("pods", namespace)).toEqual([]), 120_000);
    expect(await list("httproutes", namespace)).toEqual([]);
    await apply(withImage(notesVersions.fixed.image), "-n", namespace);
    await wait("psvc/notes", "condition=Ready", namespace);
    await eventually(async () => {
      const { status, body } = await call("ListNotes", {});
      expect(status).toBe(200);
      expect(body["notes"]).toMatchObject([{ title: "First" }]);
    }, 240_000);
  });

  test("takes its data along with deletionPolicy Delete", async () => {
    await kubectl(
      "patch",
      "psvc",
      "notes",
      "-n",
      namespace,
      "--type=merge",
      "-p",
      '{"spec":{"database":{"deletionPolicy":"Delete"}}}',
    );
    await eventually(async () => {
      const service = await notes();
      expect(service?.status.observedGeneration).toBe(service?.metadata.generation);
    }, 240_000);
    await kubectl("delete", "psvc", "notes", "-n", namespace, "--timeout=240s");
    await apply(withImage(notesVersions.fixed.image), "-n", namespace);
    await wait("psvc/notes", "condition=Ready", namespace);
    await eventually(async () => {
      const { status, body } = await call("ListNotes", {});
      expect(status).toBe(200);
      expect(body["notes"] ?? []).toEqual([]);
    }, 240_000);
  });
});

/** Until no pod of another image is left: connections to them have ended as well. */
const gone = (image: string): Promise<void> =>
  eventually(async () => {
    const pods = await list("pods", namespace, "plinth.dev/service=notes,plinth.dev/component=server");
    expect(pods.map(({ spec }) => spec.containers[0].image)).toEqual([image, image]);
  }, 240_000);
