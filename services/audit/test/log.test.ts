import { LogService } from "@plinth/proto/plinth/audit/v1/log";
import { eventually } from "@plinth/testing";
import {
  encodeBase64,
  formatKeyId,
  leafHash,
  openCheckpoint,
  parseNoteKey,
  parseProofFile,
  sameHash,
  tilePath,
  verifyConsistency,
  verifyInclusion,
  verifyProofFile,
} from "@plinth/transparency-log";
import { askJudge, whyNoJudge } from "@plinth/transparency-log/judge";
import { describe, expect, test } from "vitest";
import {
  auditor,
  codeOf,
  keyManager,
  logClient,
  newId,
  nobody,
  reader,
  record,
  service,
  startAudit,
  trust,
  useAuditService,
  wholeCheckpoint,
} from "./audit-fixture.ts";
import { auditTree } from "./tree-auditor.ts";

useAuditService();

describe("access", () => {
  const id = "01920000-0000-7000-8000-0000000000ff";
  const calls = {
    getCheckpoint: {},
    getInclusionProof: { id },
    getConsistencyProof: {},
    getEntryProof: { id },
    listLogKeys: {},
    listGaps: {},
    rotateLogKey: {},
    getWitnessRequest: {},
    addCosignatures: { size: 1n, lines: "x" },
  } as const;

  test.each(Object.keys(calls) as (keyof typeof calls)[])("%s is for auditors", async (rpc) => {
    const call = async (as: object) => {
      const client = (await service.client(LogService, as)) as unknown as Record<
        string,
        (r: object) => Promise<unknown>
      >;
      return codeOf((client[rpc] as (r: object) => Promise<unknown>)(calls[rpc]));
    };
    expect(await call({})).toBe("Unauthenticated");
    expect(await call({ userId: nobody })).toBe("PermissionDenied");
    expect(await call({ workload: "notes" })).toBe("PermissionDenied");
    const right = rpc === "rotateLogKey" ? keyManager : auditor;
    expect(await call({ userId: right === auditor ? keyManager : auditor })).toBe("PermissionDenied");
    expect(await call({ userId: right })).not.toMatch(/Unauthenticated|PermissionDenied/);
  });
});

describe("a recorded entry", () => {
  test("gets into the tree of a signed checkpoint", async () => {
    const [id = ""] = await record(1);
    const { note } = await wholeCheckpoint();
    const { origin, keys } = await trust();
    const { size, root } = openCheckpoint(note, origin, keys);
    const proof = await (await logClient()).getInclusionProof({ id, treeSize: BigInt(size) });
    expect(sameHash(proof.rootHash, root)).toBe(true);
    const claim = { leafHash: leafHash(proof.leaf), index: Number(proof.leafIndex), size, proof: proof.hashes, root };
    expect(verifyInclusion(claim)).toBe(true);
    expect(JSON.parse(Buffer.from(proof.leaf).toString())).toMatchObject({ id, action: "notes.n0", v: 1 });
    expect(Buffer.from(proof.leaf).toString()).not.toMatch(/user:u0|192\.0\.2\.7/);
  });

  test("has a proof file that verifies with the public key alone", async () => {
    const [id = ""] = await record(1);
    await wholeCheckpoint();
    const { leaf, tlogProof, entry } = await (await logClient()).getEntryProof({ id });
    expect(entry).toMatchObject({ id, actor: "user:u0" });
    const file = parseProofFile(tlogProof);
    expect(verifyProofFile(file, leafHash(leaf), await trust()).size).toBeGreaterThan(0);
    expect(JSON.parse(Buffer.from(file.extra ?? []).toString())).toMatchObject({
      leaf: { id },
      who: { part: { actor: "user:u0", ip_address: "192.0.2.7" } },
      what: { part: { resource: "notes/0", details: { n: 0 } } },
    });
  });

  test.each([
    ["an unknown entry", "getInclusionProof", () => ({ id: newId() }), "NotFound"],
    ["a tree larger than the log", "getConsistencyProof", () => ({ fromSize: 1n, toSize: 1_000_000n }), "OutOfRange"],
    ["a smaller tree to a larger one", "getConsistencyProof", () => ({ fromSize: 2n, toSize: 1n }), "OutOfRange"],
    ["a negative size", "getConsistencyProof", () => ({ fromSize: -1n }), "InvalidArgument"],
  ] as const)("has no proof for %s", async (_, rpc, request, code) => {
    const log = (await logClient()) as unknown as Record<string, (r: object) => Promise<unknown>>;
    expect(await codeOf((log[rpc] as (r: object) => Promise<unknown>)(request()))).toBe(code);
  });
});

describe("the log", () => {
  test("only grows: every checkpoint follows from every earlier one, over several tiles", {
    timeout: 120_000,
  }, async () => {
    const log = await logClient();
    const first = await wholeCheckpoint();
    const { origin, keys } = await trust();
    const seen = [openCheckpoint(first.note, origin, keys)];
    for (const count of [1, 3, 280]) {
      await record(count);
      const to = openCheckpoint((await wholeCheckpoint()).note, origin, keys);
      for (const from of seen) {
        const { hashes } = await log.getConsistencyProof({ fromSize: BigInt(from.size), toSize: BigInt(to.size) });
        expect(verifyConsistency({ from, to, proof: hashes })).toBe(true);
      }
      seen.push(to);
    }
    await auditTree(service.database.adminUrl, seen);
  });

  const missing = whyNoJudge();
  test.skipIf(missing)(`convinces Go's libraries${missing ? ` (${missing})` : ""}`, async () => {
    const ids = await record(3);
    const log = await logClient();
    const { note, size } = await wholeCheckpoint();
    const { origin, texts } = await trust();
    const proofs = await Promise.all(
      ids.map(async (id) => {
        const { leaf, tlogProof } = await log.getEntryProof({ id });
        return { leaf: encodeBase64(leaf), file: tlogProof };
      }),
    );
    const total = Number(size);
    const tiles = await Promise.all(
      [0, 1].flatMap((level) => {
        const hashes = Math.floor(total / 256 ** level);
        return Array.from({ length: Math.ceil(hashes / 256) }, async (_, index) => {
          const path = tilePath({ level, index }, Math.min(256, hashes - index * 256));
          return [path, encodeBase64(new Uint8Array(await (await get(`tile/${path}`)).arrayBuffer()))] as const;
        });
      }),
    );
    const answer = await askJudge({
      origin,
      keys: texts,
      checkpoints: [note],
      proofs,
      tiles: Object.fromEntries(tiles),
    });
    expect(answer).toEqual({ problems: [] });
  });
});

const get = async (path: string, userId: string | undefined = auditor, of = service) =>
  fetch(`${of.baseUrl}/tlog/${path}`, {
    headers: userId === undefined ? {} : { authorization: `Bearer ${await of.tokens.user(userId)}` },
  });

describe("over HTTP", () => {
  test("checkpoint, tiles and entry bundles are those of c2sp.org/tlog-tiles", async () => {
    await record(2);
    // The refusals of the tests before are events that may be recorded between the two calls.
    const size = await eventually(async () => {
      const { note, size } = await wholeCheckpoint();
      const checkpoint = await get("checkpoint");
      expect(checkpoint.headers.get("content-type")).toBe("text/plain; charset=utf-8");
      expect(await checkpoint.text()).toBe(note);
      return size;
    });
    const width = Number(size) % 256;
    const index = Math.floor(Number(size) / 256);
    const tile = await get(`tile/${tilePath({ level: 0, index }, width)}`);
    expect(tile.headers.get("cache-control")).toBe("private, max-age=31536000, immutable");
    const hashes = new Uint8Array(await tile.arrayBuffer());
    expect(hashes).toHaveLength(width * 32);
    const bundle = Buffer.from(await (await get(`tile/${tilePath({ level: "entries", index }, width)}`)).arrayBuffer());
    let at = 0;
    for (let leaf = 0; leaf < width; leaf++) {
      const length = bundle.readUInt16BE(at);
      const hash = leafHash(bundle.subarray(at + 2, at + 2 + length));
      expect(sameHash(hash, hashes.subarray(leaf * 32, leaf * 32 + 32))).toBe(true);
      at += 2 + length;
    }
    expect(at).toBe(bundle.length);
  });

  test.each([
    ["tile/0/999", 404],
    ["tile/0/000.p/255x", 404],
    ["tile/entries/999", 404],
    ["tile/8/000.p/1", 404],
    ["nothing", 404],
    ["", 404],
  ])("%s is %i", async (path, status) => expect((await get(path)).status).toBe(status));

  test.each(["checkpoint", "tile/0/000.p/1", "tile/entries/000.p/1"])("%s is for auditors", async (path) => {
    await record(1);
    await wholeCheckpoint();
    expect((await get(path, "")).status).toBe(401);
    const anonymous = await fetch(`${service.baseUrl}/tlog/${path}`);
    expect([anonymous.status, await anonymous.json()]).toMatchObject([401, { reason: "CREDENTIALS_MISSING" }]);
    expect((await get(path, nobody)).status).toBe(403);
    expect((await get(path)).status).toBe(200);
  });

  test("only GET and HEAD", async () => {
    expect((await fetch(`${service.baseUrl}/tlog/checkpoint`, { method: "POST" })).status).toBe(405);
  });

  test("checkpoint and tiles, not entries, are for everybody where it is said so", async () => {
    const open = await startAudit({ PLINTH_AUDIT_LOG_PUBLIC: "true" });
    try {
      await record(1, open);
      await wholeCheckpoint(open);
      const status = async (path: string) => (await fetch(`${open.baseUrl}/tlog/${path}`)).status;
      expect([await status("checkpoint"), await status("tile/0/000.p/1")]).toEqual([200, 200]);
      expect(await status("tile/entries/000.p/1")).toBe(401);
    } finally {
      await open.stop();
    }
  });
});

describe("the log's key", () => {
  test("is replaced with an overlap: who knows the old one still verifies", async () => {
    const before = await trust();
    const manager = await service.client(LogService, { userId: keyManager });
    const made = await manager.rotateLogKey({});
    await record(1);
    const { note } = await wholeCheckpoint();
    const after = await trust();
    expect(after.texts[0]).toBe(made.key);
    expect(after.texts.slice(1)).toEqual(before.texts);
    for (const keys of [before.keys, after.keys.slice(0, 1)])
      expect(openCheckpoint(note, after.origin, keys).size).toBeGreaterThan(0);
    const [first, second] = await service.database.admin(
      "SELECT retire_time FROM audit.log_key ORDER BY create_time DESC",
    );
    expect([first?.["retire_time"], second?.["retire_time"]]).toEqual([null, expect.any(Date)]);
    const keyId = (text = "") => formatKeyId(parseNoteKey(text).id);
    const details = { keyId: keyId(made.key), previousKeyId: keyId(before.texts[0]) };
    const client = await reader();
    await eventually(async () => {
      const told = await client.listEntries({ filter: { action: "plinth.audit.v1.LogKeyRotated" } });
      expect(told.entries[0]).toMatchObject({ actor: `user:${keyManager}`, details });
    });
  });
});
