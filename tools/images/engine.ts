import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { promisify } from "node:util";
import { root } from "../run.ts";
import { addToLayout } from "./oci-layout.ts";
import { stagingFolder } from "./stage-program.ts";

const run = promisify(execFile);

/** Whatever builds images on this machine. */
export interface Engine {
  name: "buildah" | "docker";
  /** Undefined when the image is not there. */
  imageId(name: string): Promise<string | undefined>;
  /** Builds the Dockerfile for one program, from its staged folder, under the names given; the same content gives the same image. Returns its id. */
  build(options: { program: string; nodeImage: string; names: readonly string[] }): Promise<string>;
  /** Adds the image, under all of its names, to an OCI layout (a folder), or fails where the engine cannot. */
  export(names: readonly string[], layout: string): Promise<void>;
}

// Everything in an image is as old as this: its digest tells its content, not when it was made.
const epochSeconds = 0;
const bufferBytesMax = 16 * 1024 * 1024;

/** buildah before docker: it needs no daemon. Undefined when neither is installed. */
export async function findEngine(): Promise<Engine | undefined> {
  if (await runs("buildah", ["--version"])) return buildah;
  if (await runs("docker", ["version"])) return docker;
  return undefined;
}

const runs = (program: string, args: string[]): Promise<boolean> =>
  run(program, args).then(
    () => true,
    () => false,
  );

async function call(program: string, args: readonly string[], env: Record<string, string> = {}): Promise<string> {
  try {
    const { stdout } = await run(program, [...args], {
      cwd: root,
      env: { ...process.env, ...env },
      maxBuffer: bufferBytesMax,
    });
    return stdout.trim();
  } catch (err) {
    const { stderr, message } = err as Error & { stderr?: string };
    throw new Error(`${program} ${args[0]} failed: ${stderr?.trim() || message}`, { cause: err });
  }
}

const buildArguments = (program: string, nodeImage: string, names: readonly string[]): string[] => [
  ...["--build-arg", `SERVICE=${program}`],
  ...["--build-arg", `NODE_IMAGE=${nodeImage}`],
  ...["--build-arg", "BUNDLES=staged"],
  ...["--file", "Dockerfile"],
  ...names.flatMap((name) => ["--tag", name]),
  stagingFolder,
];

const withBuildah = (args: readonly string[]): Promise<string> =>
  call("buildah", args, { STORAGE_DRIVER: "overlay", BUILDAH_ISOLATION: "chroot" });

const buildah: Engine = {
  name: "buildah",
  imageId: (name) =>
    withBuildah(["images", "--quiet", "--no-trunc", name]).then(
      (id) => id.split("\n")[0] || undefined,
      () => undefined,
    ),
  build: ({ program, nodeImage, names }) =>
    withBuildah([
      ...["bud", "--quiet", "--timestamp", String(epochSeconds), "--pull-never"],
      ...buildArguments(program, nodeImage, names),
    ]),
  async export(names, layout) {
    // To a plain folder first, because buildah compresses every layer anew for an OCI layout: that costs seconds an image.
    const folder = await mkdtemp(`${layout}-`);
    try {
      await withBuildah([
        "push",
        "--quiet",
        "--format",
        "oci",
        "--disable-compression",
        names[0] ?? "",
        `dir:${folder}`,
      ]);
      await addToLayout(folder, names, layout);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

const docker: Engine = {
  name: "docker",
  imageId: (name) =>
    call("docker", ["image", "inspect", "--format", "{{.Id}}", name]).then(
      (id) => id,
      () => undefined,
    ),
  build: ({ program, nodeImage, names }) =>
    call("docker", ["build", "--quiet", ...buildArguments(program, nodeImage, names)], {
      SOURCE_DATE_EPOCH: String(epochSeconds),
    }),
  async export() {
    throw new Error("the hermetic cluster takes images from buildah; with Docker use kind: see docs/kubernetes.md");
  },
};
