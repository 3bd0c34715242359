import path from "node:path";
import type { GroupLag } from "@plinth/bus";
import { openConsumerGroups } from "../events/open-consumer-groups.ts";
import { exitCodes } from "../exit-codes.ts";
import type { Terminal } from "../terminal.ts";

export interface EventGroupsOptions {
  data: string;
  output?: "text" | "json";
}

/** Shows how much waits for each group of consumers, also for those that nobody of runs. */
export async function listGroups(options: EventGroupsOptions, terminal: Terminal): Promise<number> {
  const groups = await openConsumerGroups(path.resolve(options.data), process.env);
  try {
    const lags = await groups.list();
    if (options.output === "json") for (const lag of lags) terminal.line(JSON.stringify(lag));
    else for (const line of table(lags)) terminal.line(line);
    return exitCodes.ok;
  } finally {
    await groups.close();
  }
}

function table(lags: readonly GroupLag[]): string[] {
  if (lags.length === 0) return ["no group has consumed anything yet"];
  const width = (title: string, of: (lag: GroupLag) => string) =>
    Math.max(title.length, ...lags.map((lag) => of(lag).length));
  const [groups, topics] = [width("GROUP", ({ group }) => group), width("TOPIC", ({ topic }) => topic)];
  return [
    `${"GROUP".padEnd(groups)}  ${"TOPIC".padEnd(topics)}  WAITING   MEMBERS`,
    ...lags.map(({ group, topic, waiting, members }) => {
      const alone = members === 0 && waiting > 0 ? "  nobody consumes" : "";
      return `${group.padEnd(groups)}  ${topic.padEnd(topics)}  ${String(waiting).padEnd(8)}  ${members}${alone}`;
    }),
  ];
}
