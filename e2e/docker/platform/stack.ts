import { compose, docker } from "./engine.ts";

export interface Container {
  id: string;
  service: string;
  /** running, exited ... */
  state: string;
  /** healthy, starting ... or empty when nothing checks it. */
  health: string;
  exitCode: number;
  startedAt: string;
  restarts: number;
  /** Of its first process, on this machine. */
  pid: number;
}

interface Inspected {
  Id: string;
  RestartCount: number;
  Config: { Labels: Record<string, string> };
  State: { Status: string; ExitCode: number; StartedAt: string; Pid: number; Health?: { Status: string } };
}

const label = "com.docker.compose.project=plinth";

/** All containers of the project, those that have ended included. */
export async function containers(): Promise<Container[]> {
  const ids = (await docker("ps", "--all", "--quiet", "--filter", `label=${label}`)).split("\n").filter(Boolean);
  if (ids.length === 0) return [];
  const inspected = JSON.parse(await docker("inspect", ...ids)) as Inspected[];
  return inspected
    .map(({ Id, RestartCount, Config, State }) => ({
      id: Id,
      service: Config.Labels["com.docker.compose.service"] ?? "",
      state: State.Status,
      health: State.Health?.Status ?? "",
      exitCode: State.ExitCode,
      startedAt: State.StartedAt,
      restarts: RestartCount,
      pid: State.Pid,
    }))
    .toSorted((a, b) => (a.service < b.service ? -1 : 1));
}

/** Everything that the engine keeps of the project. */
export async function leftovers(): Promise<string[]> {
  const kinds = [
    ["ps", "--all"],
    ["volume", "ls"],
    ["network", "ls"],
  ];
  const listed = await Promise.all(kinds.map((kind) => docker(...kind, "--quiet", "--filter", `label=${label}`)));
  return listed.flatMap((text) => text.split("\n")).filter(Boolean);
}

export interface Span {
  service: string;
  instance: string;
  name: string;
}

/** What the collector's log says of a trace: a line for each span, below one for the process that it comes from. */
export async function spansOf(traceId: string): Promise<Span[]> {
  const found: Span[] = [];
  let from = { service: "", instance: "" };
  for (const line of (await compose("logs", "--no-log-prefix", "collector")).split("\n")) {
    if (line.includes("ResourceTraces #"))
      from = { service: attribute(line, "service.name"), instance: attribute(line, "service.instance.id") };
    const at = line.indexOf(` ${traceId} `);
    if (at > 0) found.push({ ...from, name: line.slice(0, at) });
  }
  return found;
}

const attribute = (line: string, name: string): string => new RegExp(`\\b${name}=(\\S+)`).exec(line)?.[1] ?? "";
