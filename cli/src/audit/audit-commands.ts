import { type Command, InvalidArgumentError, Option } from "commander";
import type { Terminal } from "../terminal.ts";

/** `plinth audit ...`: what the log proves, on files and on a platform that runs. */
export function addAuditCommands(
  program: Command,
  terminal: Terminal,
  exit: (code: number) => void,
  data: () => Option,
): void {
  const audit = program.command("audit").description("export the audit log and verify it");
  const collect = (value: string, before: string[]) => [...before, value];
  const platform = (command: Command) =>
    command
      .addOption(data())
      .option("--url <url>", "gateway of a platform elsewhere")
      .addOption(new Option("--token <token>", "access token for it").env("PLINTH_TOKEN"));

  platform(audit.command("verify [file]"))
    .description(
      "verify a .tlog-proof or an export in JSON Lines, without the platform; without a file, the log of a platform",
    )
    .option("-k, --key <key>", "public key of the log, or a file with keys (repeat)", collect, [])
    .option("--since <file>", "checkpoint that was verified before: the log must begin with its entries")
    .option("--save <file>", "write the checkpoint that was verified, for --since next time")
    .action(async (file, options) =>
      exit(await (await import("../commands/audit-verify.ts")).auditVerify(file, options, terminal)),
    );

  platform(audit.command("export"))
    .description("write entries as a file; JSON Lines can be verified")
    .addOption(new Option("--format <format>").choices(["jsonl", "csv", "ocsf"]).default("jsonl"))
    .option("-o, --output <file>", "instead of standard output")
    .option("--actor <actor>", 'for example "user:ID"')
    .option("--action <action>", 'exact, or a prefix that ends in "."')
    .option("--resource <resource>")
    .option("--source <service>")
    .option("--request-id <id>")
    .addOption(new Option("--outcome <outcome>").choices(["success", "failure", "denied"]))
    .option("--from <time>", "from this time on, RFC 3339", time)
    .option("--to <time>", "before this time", time)
    .action(async (options) =>
      exit(await (await import("../commands/audit-export.ts")).auditExport(options, terminal)),
    );

  platform(audit.command("proof <id>"))
    .description("write the proof of one entry")
    .option("-o, --output <file>", "instead of ID.tlog-proof")
    .action(async (id, options) =>
      exit(await (await import("../commands/audit-proof.ts")).auditProof(id, options, terminal)),
    );

  platform(audit.command("keys"))
    .description("print the log's public keys; keep them where the platform cannot change them")
    .action(async (options) => exit(await (await import("../commands/audit-keys.ts")).auditKeys(options, terminal)));
}

function time(text: string): Date {
  const date = new Date(text);
  if (Number.isNaN(date.getTime())) throw new InvalidArgumentError("must be a time such as 2026-11-26T12:00:00Z");
  return date;
}
