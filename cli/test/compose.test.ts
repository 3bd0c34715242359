import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { silentLogger, systemClock } from "@plinth/kernel";
import { composeBinary, composeProblem } from "@plinth/local-servers";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { ComposeFile } from "../src/compose/compose-service.ts";
import { keepGround } from "../src/compose/keep-ground.ts";
import { makeSecrets } from "../src/compose/make-secrets.ts";
import { renderCompose } from "../src/compose/render-compose.ts";
import { startEmbeddedPostgres } from "../src/local/embedded-postgres.ts";
import { coreManifests, loadServices } from "../src/local/find-manifests.ts";
import type { LocalService } from "../src/local/local-service.ts";
import { openSecrets } from "../src/local/secrets.ts";
import { repository } from "../src/repository.ts";

const run = promisify(execFile);
let text: string;
let file: ComposeFile;
let services: LocalService[];

beforeAll(async () => {
  text = await renderCompose(repository);
  file = parse(text, { version: "1.1" }) as ComposeFile;
  services = await loadServices((await coreManifests(repository)).map((manifest) => ({ file: manifest, core: true })));
});

describe("compose.yaml", () => {
  const own = ["audit", "auth", "authz", "gateway", "identity"];

  test("runs every service, what it needs, and each schema's migrations before it", () => {
    const migrations = ["migrate-audit", "migrate-auth", "migrate-authz", "migrate-identity"];
    const servers = ["postgres", "redis", "kafka", "collector"];
    expect(Object.keys(file.services).sort()).toEqual(
      [...own, ...migrations, ...servers, "secrets", "ground", "administrator"].sort(),
    );
    for (const name of migrations) {
      const service = name.replace("migrate-", "");
      expect(file.services[service]?.depends_on?.[name]).toEqual({ condition: "service_completed_successfully" });
      expect(file.services[name]?.volumes).toContainEqual({
        type: "bind",
        source: `./services/${service}/migrations`,
        target: "/migrations",
        read_only: true,
      });
    }
    for (const { name, manifest } of services)
      for (const other of manifest.spec.dependsOn ?? [])
        expect(file.services[name]?.depends_on?.[other]).toEqual({ condition: "service_healthy" });
    for (const name of own) expect(file.services[name]?.healthcheck?.test.join(" ")).toContain("/readyz");
  });

  test("lets somebody wait for each container that ends: `up --wait` would take its end for a failure", () => {
    const awaited = Object.values(file.services).flatMap(({ depends_on = {} }) =>
      Object.entries(depends_on).flatMap(([name, { condition }]) =>
        condition === "service_completed_successfully" ? [name] : [],
      ),
    );
    const ending = Object.entries(file.services).filter(([, { restart }]) => restart === "no");
    expect([...new Set(awaited)].sort()).toEqual(ending.map(([name]) => name).sort());
  });

  test("opens one port, on this machine only", () => {
    const ports = Object.values(file.services).flatMap((service) => service.ports ?? []);
    expect(ports).toEqual([expect.stringMatching(/^127[.]0[.]0[.]1:[$]\{PLINTH_PORT:-8080\}:8080$/)]);
  });

  test("lets programs write nowhere but in volumes, without any privilege", () => {
    for (const [name, service] of Object.entries(file.services)) {
      expect({ name, cap_drop: service.cap_drop, security_opt: service.security_opt }).toEqual({
        name,
        cap_drop: ["ALL"],
        security_opt: ["no-new-privileges:true"],
      });
      expect(service.deploy?.resources.limits.memory, name).toMatch(/^\d+[MG]$/);
    }
    const writable = Object.entries(file.services).filter(([, service]) => service.read_only !== true);
    expect(writable.map(([name]) => name)).toEqual(["kafka"]);
  });

  test("names no volume or config that it does not define, and no service that it does not have", () => {
    for (const service of Object.values(file.services)) {
      for (const { type, source } of service.volumes ?? [])
        if (type === "volume") expect(file.volumes).toHaveProperty(source);
      for (const { source } of service.configs ?? []) expect(file.configs).toHaveProperty(source);
      for (const name of Object.keys(service.depends_on ?? {})) expect(file.services).toHaveProperty(name);
    }
    for (const config of Object.values(file.configs))
      expect(existsSync(path.join(repository, config.file)), config.file).toBe(true);
  });

  test("gives a program its own secrets only", () => {
    for (const name of own) {
      const sources = (file.services[name]?.volumes ?? []).map(({ source }) => source);
      expect(sources).toEqual([`secrets-${name}`, "secrets-keys"]);
    }
    const everywhere = Object.entries(file.services).filter(([, { volumes = [] }]) =>
      volumes.some(({ source }) => source === "secrets-ground"),
    );
    expect(everywhere.map(([name]) => name)).toEqual(["secrets", "ground"]);
  });

  test("is what is checked in", async () => {
    expect(await readFile(path.join(repository, "compose.yaml"), "utf8")).toBe(text);
  });

  const problem = composeProblem();
  test.skipIf(problem !== undefined)(
    `is accepted by Docker Compose${problem ? ` (left out: ${problem})` : ""}`,
    async () => {
      const args = ["--file", path.join(repository, "compose.yaml"), "config", "--format", "json"];
      const { stdout } = await run(composeBinary(), args, { maxBuffer: 1 << 24 });
      const read = JSON.parse(stdout) as { services: Record<string, { restart: string }> };
      expect(Object.keys(read.services).sort()).toEqual(Object.keys(file.services).sort());
      expect(read.services["secrets"]?.restart).toBe("no");
    },
  );
});

describe("what the containers secrets and ground make", () => {
  let root: string;
  beforeAll(async () => {
    root = await mkdtemp(path.join(tmpdir(), "plinth-compose-"));
    await makeSecrets({ services, root });
  });
  afterAll(() => rm(root, { recursive: true, force: true }));

  const env = async (folder: string): Promise<Record<string, string>> => {
    const print = "process.stdout.write(JSON.stringify(process.env))";
    const { stdout } = await run(process.execPath, [`--env-file=${path.join(root, folder, "env")}`, "-e", print], {
      env: {},
    });
    return JSON.parse(stdout) as Record<string, string>;
  };

  test("every secret is made once, and none is in the Compose file", async () => {
    const secrets = await openSecrets(path.join(root, "ground", "secrets.json"));
    const key = secrets.entry("plinth-auth", "key-encryption-key");
    const all = [
      secrets.postgresPassword,
      secrets.databasePassword("auth"),
      key,
      secrets.entry("plinth-redis", "password"),
    ];
    for (const secret of all) expect(text).not.toContain(secret);
    expect(await readFile(path.join(root, "postgres", "password"), "utf8")).toBe(secrets.postgresPassword);
    await makeSecrets({ services, root });
    expect((await env("auth"))["PLINTH_AUTH_KEY_ENCRYPTION_KEY"]).toBe(key);
  });

  test("environments hold what the manifest asks for, and for each its own role", async () => {
    const auth = await env("auth");
    expect(Object.keys(auth).sort()).toEqual([
      "PLINTH_AUTH_KEY_ENCRYPTION_KEY",
      "PLINTH_DATABASE_URL",
      "PLINTH_REDIS_URL",
    ]);
    expect(new URL(auth["PLINTH_DATABASE_URL"] ?? "").username).toBe("auth");
    expect(new URL((await env("migrate-auth"))["PLINTH_DATABASE_URL"] ?? "").username).toBe("auth_ddl");
    expect((await env("authz"))["PLINTH_AUTHZ_ADMINS"]).toBe("service:plinth-cli");
    expect(await env("gateway")).not.toHaveProperty("PLINTH_DATABASE_URL");
    expect((await stat(path.join(root, "auth", "env"))).mode & 0o777).toBe(0o600);
  });

  test("the ground has schemas that these environments reach, tokens for everyone and a mark when it is ready", async () => {
    const secrets = await openSecrets(path.join(root, "ground", "secrets.json"));
    const postgres = await startEmbeddedPostgres({
      dataDirectory: path.join(root, "data"),
      logFile: path.join(root, "postgres.log"),
      superuserPassword: secrets.postgresPassword,
      preferredPort: 54_600,
    });
    try {
      const readyFile = path.join(root, "ready");
      const address = { host: "127.0.0.1", port: postgres.port };
      const ground = await keepGround({
        services,
        root,
        postgres: address,
        readyFile,
        logger: silentLogger,
        clock: systemClock,
      });
      await ground.stop();
      expect(existsSync(readyFile)).toBe(true);
      for (const name of ["auth", "gateway", "plinth-cli"])
        expect(await readFile(path.join(root, name, "workload-token"), "utf8")).toMatch(/^ey/);
      const url = new URL((await env("migrate-auth"))["PLINTH_DATABASE_URL"] ?? "");
      url.host = `127.0.0.1:${postgres.port}`;
      const client = new pg.Client({ connectionString: url.href });
      await client.connect();
      const { rows } = await client.query(
        "SELECT has_schema_privilege('auth', 'CREATE') AS own, has_schema_privilege('identity', 'USAGE') AS other",
      );
      await client.end();
      expect(rows).toEqual([{ own: true, other: false }]);
    } finally {
      await postgres.stop();
    }
  });
});
