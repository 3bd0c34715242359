import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { parseAllDocuments, stringify } from "yaml";
import { compile } from "./compile.ts";

const directory = join(import.meta.dirname, "testdata");
const cases = readdirSync(directory).filter((name) => name.endsWith(".in.yaml"));

// `npx vitest run -u` writes new expectations; read the difference before you commit it.
it.each(cases)("%s compiles to its .out.yaml", async (name) => {
  const text = readFileSync(join(directory, name), "utf8");
  const objects = parseAllDocuments(text).map((document, i) => ({ origin: `${i}`, object: document.toJS() }));
  const { table, problems } = compile(objects);
  const out = stringify({ routes: table.routes, problems }, { lineWidth: 0, aliasDuplicateObjects: false });
  await expect(out).toMatchFileSnapshot(join(directory, name.replace(".in.", ".out.")));
});
