import { createHash } from "node:crypto";
import { mkdir, readFile, rm } from "node:fs/promises";
import path from "node:path";
import { root, run } from "../run.ts";
import type { Engine } from "./engine.ts";
import { type Program, programs } from "./image-list.ts";
import { namesInLayout } from "./oci-layout.ts";
import { stageProgram } from "./stage-program.ts";

export interface BuiltImage {
  program: string;
  /** Name with a tag that stands for the content, for example "plinth/auth:dev-0123456789ab". */
  image: string;
  /** False when it was there already. */
  built: boolean;
}

export interface BuildImagesOptions {
  engine: Engine;
  /** The base; made here from the installed Node when absent. */
  nodeImage?: string | undefined;
  /** An OCI layout (folder) that is to hold all of them. */
  layout?: string | undefined;
  print: (line: string) => void;
}

/** Kubernetes completes names without a host to this one. */
const registry = "docker.io";
/** The tag that manifests name. */
const releaseTag = "0.1.0";
/** A layout with more images than this is begun anew: old ones are not removed from it. */
const layoutImagesMax = 200;

/** Builds the images of all programs whose inputs have changed. */
export async function buildImages(options: BuildImagesOptions): Promise<BuiltImage[]> {
  const { engine, print, layout } = options;
  const nodeImage = options.nodeImage ?? (await ownNodeImage(engine));
  const base = `${nodeImage} ${await engine.imageId(nodeImage)} ${await readFile(path.join(root, "Dockerfile"), "utf8")}`;
  const made: BuiltImage[] = [];
  for (const program of programs()) made.push(await buildOne(program, nodeImage, base, options));
  if (layout !== undefined) await fillLayout(engine, made, layout);
  for (const { image, built } of made) print(`${built ? "built" : "unchanged"} ${image}`);
  return made;
}

async function buildOne(
  program: Program,
  nodeImage: string,
  base: string,
  { engine }: BuildImagesOptions,
): Promise<BuiltImage> {
  const { hash } = await stageProgram(program);
  const tag = createHash("sha256").update(`${base} ${hash}`).digest("hex").slice(0, 12);
  const image = `plinth/${program.name}:dev-${tag}`;
  const names = [`${registry}/${image}`, `${registry}/plinth/${program.name}:${releaseTag}`];
  const ids = await Promise.all(names.map((name) => engine.imageId(name)));
  const there = ids[0] !== undefined && ids[0] === ids[1];
  if (!there) await engine.build({ program: program.name, nodeImage, names });
  return { program: program.name, image, built: !there };
}

async function fillLayout(engine: Engine, images: readonly BuiltImage[], layout: string): Promise<void> {
  let there = await namesInLayout(layout);
  if (there.size > layoutImagesMax) {
    await rm(layout, { recursive: true });
    there = new Set();
  }
  await mkdir(layout, { recursive: true });
  for (const { program, image } of images) {
    const own = `${registry}/${image}`;
    if (!there.has(own)) await engine.export([own, `${registry}/plinth/${program}:${releaseTag}`], layout);
  }
}

async function ownNodeImage(engine: Engine): Promise<string> {
  if (engine.name !== "buildah") return "node:26-bookworm-slim";
  await run("e2e/cluster/node-image.sh", [process.execPath]);
  return "localhost/plinth-node:26";
}
