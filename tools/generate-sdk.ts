// Generates the code of the clients for users (sdk/) in every language whose plugins are on this machine, and says which are
// left as they are and why.
import { rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { root, run } from "./run.ts";
import { languages } from "./sdk/languages.ts";
import { publicProtos } from "./sdk/public-protos.ts";
import { reasonsModule } from "./sdk/reasons-module.ts";

const possible = languages.filter(({ name, problem }) => {
  const why = problem();
  if (why !== undefined) process.stderr.write(`code for ${name} is left as it is: ${why}\n`);
  return why === undefined;
});
for (const folder of possible.flatMap(({ folders }) => folders)) {
  rmSync(path.join(root, folder), { recursive: true, force: true });
}
const managed = { enabled: true, override: [{ file_option: "go_package_prefix", value: "plinth.dev/go/gen" }] };
await generate(
  { managed, plugins: possible.flatMap(({ plugins }) => plugins()) },
  { directory: ".", paths: publicProtos },
);
for (const { ownProtos } of possible) {
  if (ownProtos) await generate({ plugins: ownProtos.plugins }, { directory: ownProtos.directory });
}
writeFileSync(path.join(root, "sdk/typescript/src/gen/reasons.ts"), reasonsModule());

async function generate(template: object, input: object): Promise<void> {
  await run("buf", ["generate", "--template", JSON.stringify({ version: "v2", inputs: [input], ...template })]);
}
