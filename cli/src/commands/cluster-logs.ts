import { resources as kinds, resourcePath, type resources } from "@plinth/kube";
import { labels } from "@plinth/operator";
import { CommandFailure, exitCodes } from "../exit-codes.ts";
import { namedService } from "../kubernetes/named-service.ts";
import { type Cluster, type ClusterOptions, withCluster } from "../kubernetes/open-cluster.ts";
import { createLineSplitter } from "../local/line-splitter.ts";
import { formatLogLine, parseLogLine } from "../local/log-line.ts";
import type { Terminal } from "../terminal.ts";

export interface ClusterLogsOptions extends ClusterOptions {
  follow: boolean;
  /** Newest lines of each pod. */
  lines: number;
  json: boolean;
  /** Of the containers that ended before those that run. */
  previous: boolean;
}

const logBytesMax = 4 * 1024 * 1024;
/** New pods are looked for this often while following. */
const lookAgainMs = 2_000;
/** A service may be silent for long; the connection is then made anew. */
const silenceMaxMs = 600_000;

type Pod = NonNullable<typeof resources.pods.object>;

interface Source {
  pod: Pod;
  container: string;
  label: string;
}

/** Shows what all pods of a service said, merged by time; with `follow` also what they and later ones say from now on. */
export function clusterLogs(
  name: string | undefined,
  options: ClusterLogsOptions,
  terminal: Terminal,
): Promise<number> {
  if (name === undefined) throw new CommandFailure("name the PlatformService: plinth logs NAME", exitCodes.usage);
  return withCluster(options, async (cluster) => {
    await namedService(cluster, name);
    const sources = await sourcesOf(cluster, name);
    if (sources.length === 0 && !options.follow) {
      throw new CommandFailure(`${name} has no pods; plinth status -n ${cluster.namespace} says why`);
    }
    const show = printer(sources, options, terminal);
    await showRecent(cluster, sources, options, show);
    if (options.follow) await follow(cluster, name, sources, show);
    return exitCodes.ok;
  });
}

async function sourcesOf({ client, namespace }: Cluster, name: string): Promise<Source[]> {
  const { items } = await client.list(kinds.pods, { namespace, labelSelector: `${labels.service}=${name}` });
  return items
    .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
    .flatMap((pod) => {
      const containers = pod.spec?.containers ?? [];
      return containers.map(({ name: container }) => ({
        ...{ pod, container },
        label: containers.length === 1 ? pod.metadata.name : `${pod.metadata.name}/${container}`,
      }));
    });
}

type Show = (label: string, raw: string) => void;

function printer(sources: readonly Source[], { json }: ClusterLogsOptions, terminal: Terminal): Show {
  const known = sources.map(({ label }) => label);
  const width = Math.max(0, ...known.map((label) => label.length));
  return (label, raw) => {
    if (json) return terminal.line(raw);
    if (!known.includes(label)) known.push(label);
    const prefix = terminal.tint(`${label.padEnd(width)} |`, known.indexOf(label));
    for (const line of formatLogLine(parseLogLine(raw))) terminal.line(`${prefix} ${line}`);
  };
}

async function showRecent(
  { client, namespace }: Cluster,
  sources: readonly Source[],
  { lines, previous }: ClusterLogsOptions,
  show: Show,
): Promise<void> {
  const recent = await Promise.all(
    sources.map(async ({ pod, container, label }) => {
      const ref = { namespace, name: pod.metadata.name };
      const text = await client
        .logs(ref, { container, tailLines: lines, bytesMax: logBytesMax, previous })
        // One that does not run yet has said nothing; the others have.
        .catch((err: Error) => `(no log: ${err.message})`);
      let timeMs = 0;
      return text
        .trimEnd()
        .split("\n")
        .filter(Boolean)
        .map((raw) => {
          // A line without a time belongs to the one before it.
          timeMs = parseLogLine(raw).timeMs ?? timeMs;
          return { label, raw, timeMs };
        });
    }),
  );
  for (const { label, raw } of recent.flat().sort((a, b) => a.timeMs - b.timeMs)) show(label, raw);
}

/** Until interrupted. */
async function follow(cluster: Cluster, name: string, known: readonly Source[], show: Show): Promise<void> {
  const followed = new Set<string>();
  const start = (source: Source, fromNow: boolean): void => {
    followed.add(source.label);
    stream(cluster, source, fromNow, show)
      .catch((err: Error) => show(source.label, `(no more: ${err.message})`))
      .finally(() => followed.delete(source.label));
  };
  for (const source of known) start(source, true);
  for (;;) {
    await cluster.clock.sleep(lookAgainMs);
    for (const source of await sourcesOf(cluster, name)) {
      const runs = source.pod.status?.containerStatuses?.some(
        ({ name, state }) => name === source.container && state?.running,
      );
      if (runs && !followed.has(source.label)) start(source, false);
    }
  }
}

async function stream({ transport, namespace }: Cluster, source: Source, fromNow: boolean, show: Show): Promise<void> {
  const { lines } = createLineSplitter();
  const chunks = transport.open({
    method: "GET",
    path: `${resourcePath(kinds.pods, namespace, source.pod.metadata.name)}/log`,
    query: { follow: true, container: source.container, ...(fromNow ? { tailLines: 0 } : {}) },
    accept: "*/*",
    idleMs: silenceMaxMs,
  });
  for await (const chunk of chunks) for (const raw of lines(Buffer.from(chunk))) show(source.label, raw);
}
