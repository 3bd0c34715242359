import { Option } from "commander";
import type { OperationsOptions } from "./operations-commands.ts";
import { named } from "./shared-options.ts";

/** What is done with PlatformServices on Kubernetes. */
export function addClusterCommands({ program, terminal, exit }: OperationsOptions): void {
  const files = () =>
    new Option(
      "-f, --file <file...>",
      "PlatformService manifest, folder with one, or - for standard input",
    ).makeOptionMandatory();

  named(program.command("diff"))
    .description("show what applying manifests would change on Kubernetes; exit code 0 nothing, 1 something")
    .addOption(files())
    .action(async (given) => exit(await (await import("../commands/diff.ts")).diff(given, terminal)));

  program
    .command("plan")
    .description("show what the operator would make of manifests, without a cluster")
    .addOption(files())
    .option("-n, --namespace <name>", "instead of default")
    .addOption(
      new Option("-o, --output <format>", "a line for each object, or all of it")
        .choices(["text", "yaml"])
        .default("text"),
    )
    .action(async (given) => exit(await (await import("../commands/plan.ts")).plan(given, terminal)));

  named(program.command("retry <name>"))
    .description("run the migration of a PlatformService once more")
    .action(async (name, given) => exit(await (await import("../commands/retry.ts")).retry(name, given, terminal)));

  for (const paused of [true, false]) {
    named(program.command(`${paused ? "pause" : "resume"} <name>`))
      .description(paused ? "have the operator leave a PlatformService as it is" : "have the operator go on with it")
      .action(async (name, given) =>
        exit(await (await import("../commands/pause.ts")).pause(name, paused, given, terminal)),
      );
  }
}
