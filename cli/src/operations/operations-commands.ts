import { Argument, type Command, Option } from "commander";
import { shells } from "../completion/shell-scripts.ts";
import { preferredGatewayPort } from "../local/preferred-ports.ts";
import { duration, wholeNumber } from "../option-values.ts";
import type { Terminal } from "../terminal.ts";
import { addClusterCommands } from "./cluster-commands.ts";
import { onCluster, output } from "./shared-options.ts";

export interface OperationsOptions {
  program: Command;
  terminal: Terminal;
  exit: (code: number) => void;
  data: () => Option;
  /** True for `kubectl plinth`: commands that know both substrates mean Kubernetes. */
  cluster: boolean;
}

/** What people do who look after a platform: look at it, check it, collect, save and bring back. */
export function addOperationsCommands(options: OperationsOptions): void {
  const { program, terminal, exit, data, cluster } = options;

  onCluster(program.command("status"), cluster)
    .description("show what runs; exit code 0 healthy, 1 not healthy, 3 not running")
    .addOption(data())
    .addOption(output())
    .option("-A, --all-namespaces", "PlatformServices of all namespaces", false)
    .action(async (given) => exit(await (await import("../commands/any-status.ts")).anyStatus(given, terminal)));

  onCluster(program.command("logs [service]"), cluster)
    .description("show what services said, merged by time; on Kubernetes, what all pods of a PlatformService said")
    .addOption(data())
    .option("-f, --follow", "go on showing new lines", false)
    .option("--lines <count>", "newest lines per service or pod", wholeNumber(0, 100_000), 100)
    .option("--json", "as the services wrote them", false)
    .option("--previous", "of containers that ended (Kubernetes)", false)
    .action(async (name, given) =>
      exit(await (await import("../commands/any-logs.ts")).anyLogs(name, given, terminal)),
    );

  program
    .command("doctor")
    .description("say what is missing on this machine, with the fix")
    .addOption(data())
    .addOption(output())
    .option("--port <port>", "port of the gateway", wholeNumber(1, 65_535), preferredGatewayPort)
    .action(async (given) => exit(await (await import("../commands/doctor.ts")).doctor(given, terminal)));

  onCluster(program.command("check"), cluster)
    .description("say what is wrong with a platform that runs, here or on Kubernetes, with the fix")
    .addOption(data())
    .addOption(output())
    .option("--wait <duration>", "go on for so long while something fails, for example 60s", duration, 0)
    .action(async (given) => exit(await (await import("../commands/check.ts")).check(given, terminal)));

  onCluster(program.command("verify"), cluster)
    .description("try the promises of a platform that runs through its gateway; what it makes it removes")
    .addOption(data())
    .addOption(output())
    .option("--url <url>", "gateway of a platform elsewhere")
    .addOption(new Option("--email <email>", "an administrator").env("PLINTH_ADMIN_EMAIL"))
    .option("--password-stdin", "read the password from standard input instead of PLINTH_ADMIN_PASSWORD", false)
    .action(async (given) => {
      // Never as an option: command lines are for everybody to see.
      const password = process.env["PLINTH_ADMIN_PASSWORD"];
      exit(await (await import("../commands/verify.ts")).verify({ ...given, password }, terminal));
    });

  onCluster(program.command("sysdump"), cluster)
    .description("collect what is needed to find out what is wrong into one file, without secrets")
    .addOption(data())
    .option("-o, --output <file>", "instead of plinth-sysdump-TIME.tar.gz")
    .action(async (given) => exit(await (await import("../commands/sysdump.ts")).sysdump(given, terminal)));

  program
    .command("backup <file>")
    .description("write all data of a platform of this machine into one file, while it runs")
    .addOption(data())
    .action(async (file, given) => exit(await (await import("../commands/backup.ts")).backup(file, given, terminal)));
  program
    .command("restore <file>")
    .description("bring a backup back into an empty folder")
    .addOption(data())
    .action(async (file, given) => exit(await (await import("../commands/restore.ts")).restore(file, given, terminal)));

  addClusterCommands(options);

  program
    .command("completion")
    .description("print the completion of a shell, for example: source <(plinth completion bash)")
    .addArgument(new Argument("<shell>").choices(shells))
    .action(async (shell) => {
      const { commandTree } = await import("../completion/command-tree.ts");
      const { completionScript } = await import("../completion/shell-scripts.ts");
      terminal.line(completionScript(shell, program.name(), commandTree(program)).trimEnd());
    });
}
