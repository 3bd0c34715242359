import { Command, InvalidArgumentError, Option } from "commander";
import { addAuditCommands } from "./audit/audit-commands.ts";
import { exitCodes } from "./exit-codes.ts";
import type { Companion } from "./local/companions/companion.ts";
import { companions } from "./local/companions/registry.ts";
import { preferredGatewayPort } from "./local/preferred-ports.ts";
import { addOperationsCommands } from "./operations/operations-commands.ts";
import { wholeNumber } from "./option-values.ts";
import { defaultHome } from "./repository.ts";
import type { Terminal } from "./terminal.ts";

/** Help was shown, or wrong usage was explained: nothing is left to do or say. */
export class UsageEnd extends Error {
  readonly code: number;

  constructor(code: number) {
    super("end of usage");
    this.code = code;
  }
}

/**
 * The command line. Commands load their code when they are called, so that `--help` and `validate` stay quick. As a plugin of
 * kubectl, commands that know both substrates mean Kubernetes.
 */
export function createProgram(terminal: Terminal, exit: (code: number) => void, asPlugin = false): Command {
  const program = new Command(asPlugin ? "kubectl-plinth" : "plinth")
    .description("Runs the platform on this machine and reads PlatformService manifests.")
    .showHelpAfterError("(plinth --help shows what there is)")
    .exitOverride((err) => {
      throw new UsageEnd(err.exitCode === 0 ? exitCodes.ok : exitCodes.usage);
    });

  const data = () =>
    new Option("--data <dir>", "folder of data, logs and secrets").env("PLINTH_DATA").default(defaultHome, ".plinth");
  const files = () =>
    new Option("-f, --file <file...>", "PlatformService manifest, or a folder with a platformservice.yaml");

  program
    .command("up")
    .description("start everything and keep it running until Ctrl-C")
    .addOption(files().default([]))
    .addOption(data())
    .option("--verify", "start, run the built-in check, stop; the exit code tells the result", false)
    .option("--reset", "remove all data first", false)
    .option("--port <port>", "port of the gateway", wholeNumber(1, 65_535), preferredGatewayPort)
    .option(
      "--with <names>",
      `more servers beside the services, comma-separated: ${[...companions.keys()].join(", ")}`,
      companionList,
      [],
    )
    .option("--replicas <name=n...>", "number of instances of a service", replicas, {})
    .addOption(
      new Option("--log-level <level>", "of the services").choices(["debug", "info", "warn", "error"]).default("info"),
    )
    .option("--no-core", "only what --file names, without Plinth's own services")
    .option("--no-check", "without the built-in check after the start")
    .option("--watch", "take over saved sources without asking; on by default on a terminal, off in CI")
    .option("--no-watch", "leave running services as they are when their sources change")
    .action(async (options) => exit(await (await import("./commands/up.ts")).up(options, terminal)));

  program
    .command("down")
    .description("stop what runs")
    .addOption(data())
    .action(async (options) => exit(await (await import("./commands/down.ts")).down(options, terminal)));

  program
    .command("restart <service>")
    .description("build, migrate and restart one service")
    .addOption(data())
    .action(async (name, options) =>
      exit(await (await import("./commands/restart.ts")).restart(name, options, terminal)),
    );

  program
    .command("trace [id]")
    .description(
      "show the way of a request through the services, by its x-request-id or trace id; without one, the newest",
    )
    .addOption(data())
    .option("--last", "show the newest one", false)
    .option("--slow", "the slowest first", false)
    .option("--errors", "only those in which something failed", false)
    .option("-n, --lines <count>", "requests in the list at most", wholeNumber(1, 10_000), 20)
    .addOption(new Option("-o, --output <format>").choices(["text", "json"]).default("text"))
    .action(async (id, options) => exit(await (await import("./commands/trace.ts")).trace(id, options, terminal)));

  const events = program.command("events").description("look after consumers, and events that they could not handle");
  events
    .command("groups")
    .description("what waits for each group of consumers, and whether anybody consumes")
    .addOption(data())
    .addOption(new Option("-o, --output <format>").choices(["text", "json"]).default("text"))
    .action(async (options) => exit(await (await import("./commands/event-groups.ts")).listGroups(options, terminal)));
  const deadLetterFilter = (command: Command) =>
    command
      .addOption(data())
      .option("--group <name>", "of this consumer group only")
      .option("--topic <name>", "of this topic only");
  const dlq = events.command("dlq").description("events that a consumer gave up");
  deadLetterFilter(dlq.command("list").description("one line each, the oldest first"))
    .addOption(new Option("-o, --output <format>").choices(["text", "json"]).default("text"))
    .action(async (options) => exit(await (await import("./commands/events.ts")).listDeadLetters(options, terminal)));
  deadLetterFilter(dlq.command("show <id>").description("one event, with its error and its data in base64")).action(
    async (id, options) => exit(await (await import("./commands/events.ts")).showDeadLetter(id, options, terminal)),
  );
  deadLetterFilter(events.command("replay").description("hand events back to the groups that gave them up"))
    .option("--dlq", "the dead letters", false)
    .option("--id <id>", "this event only")
    .action(async (options) => exit(await (await import("./commands/events.ts")).replayDeadLetters(options, terminal)));

  program
    .command("render")
    .description("print manifests with every default filled in")
    .addOption(files().default([]))
    .addOption(new Option("-o, --output <format>").choices(["yaml", "json"]).default("yaml"))
    .option("--compose", "print a file for Docker Compose: Plinth's own services, and those of --file", false)
    .action(async (options) => exit(await (await import("./commands/render.ts")).render(options, terminal)));

  program
    .command("validate")
    .description("check manifests and say everything that is wrong with them")
    .addOption(files().makeOptionMandatory())
    .action(async (options) => exit(await (await import("./commands/validate.ts")).validate(options, terminal)));

  addAuditCommands(program, terminal, exit, data);
  addOperationsCommands({ program, terminal, exit, data, cluster: asPlugin });
  return program;
}

function companionList(text: string, before: readonly Companion[]): Companion[] {
  const named = text
    .split(",")
    .map((part) => part.trim())
    .filter(Boolean);
  const added = named.map((name) => {
    const companion = companions.get(name);
    if (!companion) throw new InvalidArgumentError(`knows only ${[...companions.keys()].join(", ")}`);
    return companion;
  });
  return [...new Set([...before, ...added])];
}

// More would be a mistake on one machine.
const replicasMax = 20;

function replicas(text: string, before: Record<string, number>): Record<string, number> {
  const [, name, count] = /^([a-z][a-z0-9-]*)=([0-9]+)$/.exec(text) ?? [];
  if (name === undefined || Number(count) > replicasMax) {
    throw new InvalidArgumentError(`must be like identity=2, at most ${replicasMax}`);
  }
  return { ...before, [name]: Number(count) };
}
