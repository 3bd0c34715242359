// Writes what the chart is made of from the rest of the repository: values with schema and table, the platform's own
// services from their manifests, roles from the programs that need them.
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { rbacFiles } from "./chart/rbac-files.ts";
import { chartValues } from "./chart/values.ts";
import { valuesSchema, valuesTable, valuesYaml } from "./chart/write-values.ts";
import { programs } from "./images/image-list.ts";
import { root } from "./run.ts";

const chart = path.join(root, "charts/plinth");
const read = (file: string): string => readFileSync(path.join(root, file), "utf8");

const manifests = globSync("services/*/platformservice.yaml", { cwd: root }).toSorted();
const services = manifests.map((file) => path.basename(path.dirname(file)));
// Examples have images, but are no part of the platform.
const installed = programs().filter(({ folder }) => !folder.startsWith(path.join(root, "examples")));

replaceFolder("files/services", () =>
  Object.fromEntries(
    manifests.map((file, index) => [
      `${services[index]}.yaml`,
      `# Generated from ${file} by \`npm run generate\`. Do not edit.\n${read(file)}`,
    ]),
  ),
);
replaceFolder("files/rbac", rbacFiles);

const values = chartValues(
  installed.map(({ name }) => name),
  services,
);
writeFileSync(path.join(chart, "values.yaml"), valuesYaml(values));
writeFileSync(path.join(chart, "values.schema.json"), valuesSchema(values));
const readme = read("charts/plinth/README.md");
const marks = /(<!-- values -->\n)[\s\S]*(<!-- \/values -->)/;
if (!marks.test(readme)) throw new Error("charts/plinth/README.md has no place for the table of values");
writeFileSync(
  path.join(chart, "README.md"),
  readme.replace(marks, (_, begin, end) => `${begin}${valuesTable(values)}\n${end}`),
);

function replaceFolder(name: string, files: () => Record<string, string>): void {
  const folder = path.join(chart, name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const [file, content] of Object.entries(files())) writeFileSync(path.join(folder, file), content);
}
