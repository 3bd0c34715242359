// Lints the protos, and refuses what would break those who use the released ones (the rules of `buf.yaml`: generated
// code and the wire stay compatible). `--release` makes the protos of today the released ones, in proto/released.binpb.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { exitCode } from "./run.ts";

const released = "proto/released.binpb";

/** Ours with what they import. */
const build = (file: string): Promise<number> =>
  exitCode("buf", ["build", "--path", "proto/plinth", "--exclude-source-info", "-o", file]);

async function stayCompatible(): Promise<boolean> {
  const folder = mkdtempSync(path.join(tmpdir(), "plinth-contracts-"));
  try {
    const now = path.join(folder, "now.binpb");
    if ((await build(now)) !== 0) return false;
    const compared = ["breaking", now, "--against", released, "--exclude-imports", "--config", "buf.yaml"];
    if ((await exitCode("buf", compared)) === 0) return true;
    process.stderr.write(
      "the lines above would break clients and services of the release before: add beside what is there\n",
    );
    return false;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (process.argv.includes("--release")) {
  process.exit(await build(released));
} else {
  const lints = (await exitCode("buf", ["lint"])) === 0;
  process.exit((await stayCompatible()) && lints ? 0 : 1);
}
