import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import path from "node:path";

/** https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md */
interface Index {
  schemaVersion: 2;
  manifests: { mediaType: string; digest: string; size: number; annotations?: Record<string, string> }[];
}

const nameAnnotation = "org.opencontainers.image.ref.name";
const manifestType = "application/vnd.oci.image.manifest.v1+json";

const read = async (layout: string): Promise<Index> => {
  const file = path.join(layout, "index.json");
  return existsSync(file) ? (JSON.parse(await readFile(file, "utf8")) as Index) : { schemaVersion: 2, manifests: [] };
};

/** Names of the images in a layout; none for a folder that is not there. */
export async function namesInLayout(layout: string): Promise<Set<string>> {
  const { manifests } = await read(layout);
  return new Set(manifests.flatMap(({ annotations }) => annotations?.[nameAnnotation] ?? []));
}

/** Moves an image (a folder with manifest.json and blobs named by their SHA-256) into a layout, under these names. */
export async function addToLayout(image: string, names: readonly string[], layout: string): Promise<void> {
  const blobs = path.join(layout, "blobs", "sha256");
  await mkdir(blobs, { recursive: true });
  const manifest = await readFile(path.join(image, "manifest.json"));
  const digest = createHash("sha256").update(manifest).digest("hex");
  for (const file of await readdir(image)) {
    if (/^[0-9a-f]{64}$/.test(file)) await rename(path.join(image, file), path.join(blobs, file));
  }
  await writeFile(path.join(blobs, digest), manifest);
  await writeFile(path.join(layout, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  const index = await read(layout);
  const kept = index.manifests.filter(({ annotations }) => !names.includes(annotations?.[nameAnnotation] ?? ""));
  const added = names.map((name) => ({
    mediaType: manifestType,
    digest: `sha256:${digest}`,
    size: manifest.length,
    annotations: { [nameAnnotation]: name },
  }));
  // Last, and whole: an index never names what is not there.
  const next: Index = { schemaVersion: 2, manifests: [...kept, ...added] };
  await writeFile(path.join(layout, "index.json.new"), JSON.stringify(next));
  await rename(path.join(layout, "index.json.new"), path.join(layout, "index.json"));
}
