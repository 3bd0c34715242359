// Builds the images of services, operator, migrator, cli and examples. Unchanged ones are left alone.
//   --stage [NAME...]   only puts together what goes into them (all, or those named), in dist/images: the Dockerfile does it, or
//                       takes what is there
//   --node-image NAME   the base, in place of one made here from the installed Node
import { parseArgs } from "node:util";
import { buildImages } from "./images/build-images.ts";
import { cacheFolder } from "./images/cache-folder.ts";
import { findEngine } from "./images/engine.ts";
import { programs } from "./images/image-list.ts";
import { stageProgram } from "./images/stage-program.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { stage: { type: "boolean" }, "node-image": { type: "string" } },
});
const print = (line: string): void => void process.stdout.write(`${line}\n`);

if (values.stage) {
  const all = programs();
  const unknown = positionals.filter((name) => !all.some((program) => program.name === name));
  if (unknown.length > 0)
    throw new Error(`there is no ${unknown.join(", ")}; there are ${all.map(({ name }) => name).join(", ")}`);
  const wanted = all.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  for (const program of wanted) print((await stageProgram(program)).folder);
} else {
  const engine = await findEngine();
  if (!engine) throw new Error("neither buildah nor docker is here: install one of them");
  const layout = engine.name === "buildah" ? cacheFolder("img/plinth") : undefined;
  await buildImages({ engine, nodeImage: values["node-image"], layout, print });
}
