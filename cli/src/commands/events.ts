import path from "node:path";
import type { DeadLetter, DeadLetterFilter, DeadLetters } from "@plinth/bus";
import { openDeadLetters } from "../events/open-dead-letters.ts";
import { CommandFailure, exitCodes } from "../exit-codes.ts";
import type { Terminal } from "../terminal.ts";

export interface EventsOptions extends DeadLetterFilter {
  data: string;
  output?: "text" | "json";
}

/** Lists events that consumers could not handle, the oldest first. */
export function listDeadLetters(options: EventsOptions, terminal: Terminal): Promise<number> {
  return withDeadLetters(options, async (deadLetters) => {
    const letters = await deadLetters.list(filterOf(options));
    if (options.output === "json") {
      for (const letter of letters) terminal.line(JSON.stringify(asJson(letter)));
      return exitCodes.ok;
    }
    if (letters.length === 0) terminal.line("there are no dead letters");
    for (const letter of letters) terminal.line(summary(letter));
    return exitCodes.ok;
  });
}

/** Everything about one event that could not be handled; exit code 1 when there is none with this id. */
export function showDeadLetter(id: string, options: EventsOptions, terminal: Terminal): Promise<number> {
  return withDeadLetters(options, async (deadLetters) => {
    const letters = await deadLetters.list({ ...filterOf(options), id });
    if (letters.length === 0) throw new CommandFailure(`there is no dead letter ${id}`);
    for (const letter of letters) terminal.line(JSON.stringify(asJson(letter), undefined, 2));
    return exitCodes.ok;
  });
}

/** Hands events back to the groups that could not handle them. */
export function replayDeadLetters(options: EventsOptions & { dlq: boolean }, terminal: Terminal): Promise<number> {
  if (!options.dlq) throw new CommandFailure("say what to replay: --dlq for the dead letters", exitCodes.usage);
  return withDeadLetters(options, async (deadLetters) => {
    const count = await deadLetters.replay(filterOf(options));
    terminal.line(count === 0 ? "there are no such dead letters" : `handed back ${count} event(s) to their groups`);
    return exitCodes.ok;
  });
}

async function withDeadLetters(
  options: EventsOptions,
  work: (deadLetters: DeadLetters) => Promise<number>,
): Promise<number> {
  const deadLetters = await openDeadLetters(path.resolve(options.data), process.env);
  try {
    return await work(deadLetters);
  } finally {
    await deadLetters.close();
  }
}

const filterOf = ({ group, topic, id }: DeadLetterFilter): DeadLetterFilter => ({
  ...(group === undefined ? {} : { group }),
  ...(topic === undefined ? {} : { topic }),
  ...(id === undefined ? {} : { id }),
});

const summary = ({ failedAt, group, message, attempts, error }: DeadLetter): string =>
  `${failedAt.toISOString()}  ${group}  ${message.topic}  ${message.id}  ${message.type}  ${attempts} attempt(s): ${error.split("\n")[0]}`;

const asJson = ({ message, ...letter }: DeadLetter) => ({
  ...letter,
  message: {
    ...message,
    data: Buffer.from(message.data).toString("base64"),
    // JSON has no integers of this size.
    sequence: message.sequence?.toString(),
  },
});
