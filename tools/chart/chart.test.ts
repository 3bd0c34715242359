import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { cacheFolder } from "../images/cache-folder.ts";
import { root } from "../run.ts";
import { readRepositoryFile, repositoryFiles } from "../tidy/repository-files.ts";

const run = promisify(execFile);
const chart = path.join(root, "charts/plinth");
const helm = cacheFolder("bin/helm");
const why = existsSync(helm) ? undefined : "helm is not built: run e2e/cluster/build.sh helm";

interface Rendered {
  kind: string;
  metadata: { name: string; namespace?: string };
  // biome-ignore lint/suspicious/noExplicitAny: objects of all kinds
  [field: string]: any;
}

async function render(...sets: string[]): Promise<Rendered[]> {
  const flags = sets.flatMap((set) => ["--set", set]);
  const { stdout } = await run(
    helm,
    ["template", "plinth", chart, "-n", "home", "--kube-version", "1.37.0", ...flags],
    {
      maxBuffer: 32 * 1024 * 1024,
    },
  );
  return parseAllDocuments(stdout).flatMap((document) => (document.toJS() as Rendered | null) ?? []);
}

const named = (objects: Rendered[], kind: string, name: string): Rendered => {
  const found = objects.find((object) => object.kind === kind && object.metadata.name === name);
  if (!found) throw new Error(`no ${kind} ${name} in ${objects.map((each) => `${each.kind}/${each.metadata.name}`)}`);
  return found;
};

const monitoring = ["monitoring.enabled=true", "monitoring.dashboard=true"];

describe.skipIf(why)(`the chart${why ? ` (${why})` : ""}`, () => {
  test.each([
    ["as it is", []],
    ["with everything on", [...monitoring, "postgres.bundled.enabled=true", "operator.priorityClassName=high"]],
    [
      "with as little as possible",
      ["administrator.enabled=false", "gateway.create=false", "operator.networkPolicy=false", "crds.enabled=false"],
    ],
  ])("passes helm lint --strict %s", async (_, sets) => {
    await run(helm, ["lint", "--strict", chart, ...sets.flatMap((set) => ["--set", set])]);
  });

  test.each([
    ["operator.replica=2", "replica"],
    ["operator.replicas=0", "replicas"],
    ["publicUrl=api.example.com", "publicUrl"],
    ["services.unknown.replicas=1", "unknown"],
    ["images.overrides.notes=a/b:1", "notes"],
    ["operator.migrationSource=git", "migrationSource"],
    ["redis.url=redis://redis:6379", "url"],
  ])("refuses --set %s and names the value", async (set, name) => {
    await expect(render(set)).rejects.toThrow(name);
  });

  test("installs the platform's own services, each as its manifest says, into the release's namespace", async () => {
    const objects = await render("images.registry=registry.example.com/team/", "services.audit.replicas=5");
    const services = objects.filter(({ kind }) => kind === "PlatformService");
    const manifests = repositoryFiles("services/*/platformservice.yaml").map((file) => parse(readRepositoryFile(file)));
    expect(services.map(({ metadata }) => metadata.name)).toEqual(manifests.map(({ metadata }) => metadata.name));
    const source = { name: "PLINTH_GATEWAY_SOURCE", value: "kubernetes" };
    const changed: Record<string, object> = {
      audit: { replicas: 5 },
      gateway: { env: [source, { name: "PLINTH_GATEWAY_SERVICE_TYPE", value: "LoadBalancer" }] },
    };
    for (const [index, { metadata, spec }] of services.entries()) {
      const { image, pod, ...rest } = spec;
      const own = { ...manifests[index].spec, ...changed[metadata.name] };
      expect(metadata.namespace).toBe("home");
      expect({ ...rest, image: own.image }).toEqual(own);
      expect(image).toBe(`registry.example.com/team/plinth/${metadata.name}:0.1.0`);
      expect(pod).toEqual({ imagePullPolicy: "IfNotPresent" });
    }
  });

  test.each(["auth", "audit"])("gives %s the key of an existing Secret", async (name) => {
    const objects = await render(`${name}.existingSecret=mine`);
    expect(objects.some(({ kind, metadata }) => kind === "Secret" && metadata.name === `plinth-${name}`)).toBe(false);
    const { env } = named(objects, "PlatformService", name)["spec"];
    expect(env[0].valueFrom.secretKeyRef).toEqual({ name: "mine", key: "key-encryption-key" });
    const previous = { name: "mine", key: "previous-key-encryption-key", optional: true };
    expect(env[1].valueFrom.secretKeyRef).toEqual(previous);
  });

  test("gives the operator no more than what operator/src/rbac.ts lists", async () => {
    const { clusterRules, namespaceRules } = await import("../../operator/src/rbac.ts");
    const objects = await render();
    expect(named(objects, "ClusterRole", "plinth-operator")["rules"]).toEqual(clusterRules);
    expect(named(objects, "Role", "plinth-operator")["rules"]).toEqual(namespaceRules);
    const bound = objects.filter(({ kind }) => kind === "ClusterRoleBinding").map((each) => each["roleRef"].name);
    expect(bound.sort()).toEqual(["plinth-discovery", "plinth-gateway", "plinth-operator"]);
  });

  test("runs pods under the Pod Security Standard restricted, on images nobody can write to", async () => {
    const objects = await render(...monitoring, "postgres.bundled.enabled=true");
    const pods = objects.flatMap((each) =>
      each.kind === "Pod" ? [each["spec"]] : (each["spec"]?.template?.spec ?? []),
    );
    expect(pods).toHaveLength(4);
    for (const pod of pods) {
      expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } });
      for (const { securityContext } of pod.containers) {
        expect(securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        });
      }
    }
  });

  test("reads migrations from mounted images where Kubernetes can mount them", async () => {
    const source = async (version: string): Promise<string> => {
      const { stdout } = await run(helm, ["template", "plinth", chart, "--kube-version", version]);
      const operator = parseAllDocuments(stdout).map((each) => each.toJS() as Rendered | null);
      const { env } = named(
        operator.flatMap((each) => each ?? []),
        "Deployment",
        "plinth-operator",
      )["spec"].template.spec.containers[0];
      return env.find(({ name }: { name: string }) => name === "PLINTH_MIGRATION_SOURCE").value;
    };
    expect(await source("1.34.9")).toBe("copy");
    expect(await source("1.35.0")).toBe("image-volume");
  });

  test("sets only variables that the operator or Node knows", async () => {
    const { operatorConfig } = await import("../../operator/src/config.ts");
    const known = ["NODE_OPTIONS", ...Object.values(operatorConfig).map(({ env }) => env)];
    const objects = await render(
      ...[...monitoring, "telemetry.otlpEndpoint=http://collector:4318", "discovery.mode=service"],
      ...["kafka.existingSecret=events", "redis.existingSecret=shared"],
    );
    const { env } = named(objects, "Deployment", "plinth-operator")["spec"].template.spec.containers[0];
    expect(env.map(({ name }: { name: string }) => name).filter((name: string) => !known.includes(name))).toEqual([]);
  });

  test("gives the operator the Secrets of Kafka and Redis where there are some, and nothing of them otherwise", async () => {
    const operator = async (...sets: string[]) => {
      const { containers, volumes } = named(await render(...sets), "Deployment", "plinth-operator")["spec"].template
        .spec;
      const [{ env, volumeMounts }] = containers;
      const names = (list: { name: string }[]) => list.map(({ name }) => name);
      return {
        env: env as { name: string; value?: string }[],
        volumes,
        mounts: names(volumeMounts),
        names: names(env),
      };
    };
    const plain = await operator();
    expect([...plain.names, ...plain.mounts].filter((name) => /kafka|redis/i.test(name))).toEqual([]);
    const both = await operator("kafka.existingSecret=events", "redis.existingSecret=shared");
    expect(both.env).toContainEqual({ name: "PLINTH_OPERATOR_KAFKA_FOLDER", value: "/var/run/secrets/plinth-kafka" });
    expect(both.env).toContainEqual({ name: "PLINTH_OPERATOR_REDIS_FOLDER", value: "/var/run/secrets/plinth-redis" });
    expect(both.volumes).toContainEqual({ name: "kafka", secret: { secretName: "events", optional: true } });
    expect(both.volumes).toContainEqual({ name: "redis", secret: { secretName: "shared", optional: true } });
    expect(both.mounts).toEqual(["postgres", "kafka", "redis", "tmp"]);
  });

  test("gives its Job another name when its pod changes, because a Job cannot be changed", async () => {
    const name = async (...sets: string[]): Promise<string | undefined> =>
      (await render(...sets)).find(({ kind }) => kind === "Job")?.metadata.name;
    expect(await name()).toBe(await name());
    expect(await name("images.tag=2.0.0")).not.toBe(await name());
  });

  test("watches with Prometheus and Grafana only when it is told to", async () => {
    const kinds = ["ServiceMonitor", "PodMonitor", "PrometheusRule"];
    expect((await render()).filter(({ kind }) => kinds.includes(kind))).toEqual([]);
    const objects = await render(...monitoring, "monitoring.labels.release=prometheus");
    const made = objects.filter(({ kind }) => kinds.includes(kind));
    expect(made.map(({ kind }) => kind).sort()).toEqual(kinds.toSorted());
    for (const { metadata } of made) expect(metadata).toMatchObject({ labels: { release: "prometheus" } });
    expect(
      JSON.parse(named(objects, "ConfigMap", "plinth-dashboard")["data"]["plinth.json"]).panels.length,
    ).toBeGreaterThan(8);
  });
});
