import path from "node:path";
import { stringify } from "yaml";
import { entryPoint } from "../local/bundle.ts";
import { coreManifests, loadServices } from "../local/find-manifests.ts";
import { type ComposeInput, composeFile } from "./compose-file.ts";

const header = `# Generated from the manifests by \`npm run generate\` (plinth render --compose). Do not edit.
#   docker compose up --build       then http://127.0.0.1:8080 (another port: PLINTH_PORT)
#   docker compose exec ground node /app/main.js compose-password      of admin@plinth.localhost
# Everything made here is in volumes; \`docker compose down --volumes\` removes it. docs/develop.md says more.
`;

/** The text of a Compose file in the folder `base` for Plinth's own services and those in `files`. */
export async function renderCompose(base: string, files: readonly string[] = []): Promise<string> {
  const core = await coreManifests(base);
  const services = await loadServices([
    ...core.map((file) => ({ file, core: true })),
    ...files.map((file) => ({ file, core: false })),
  ]);
  const inputs = services.map(
    ({ manifest, folder, file }): ComposeInput => ({
      manifest,
      folder: path.relative(base, folder),
      file: path.basename(file),
      built: entryPoint(folder) !== undefined && path.dirname(folder) === path.join(base, "services"),
    }),
  );
  return header + stringify(composeFile(inputs), { lineWidth: 0, aliasDuplicateObjects: false, version: "1.1" });
}
