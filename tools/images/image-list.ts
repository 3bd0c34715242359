import { existsSync, globSync, readFileSync } from "node:fs";
import path from "node:path";
import { entryPoint } from "@plinth/cli";
import { parse } from "yaml";
import { root } from "../run.ts";

/** A program that gets an image of its own. */
export interface Program {
  /** The image is called `plinth/NAME`. */
  name: string;
  /** Of its package, absolute. */
  folder: string;
  /** Its main file, absolute. */
  main: string;
  /** Goes to /app/migrations, absolute; undefined for a program without. */
  migrations: string | undefined;
}

/** Every service with a manifest, and the programs that have none because they make services run. */
export function programs(): Program[] {
  const services = globSync("{services,examples}/*/platformservice.yaml", { cwd: root }).toSorted();
  return [
    ...services.flatMap((file) => service(path.join(root, path.dirname(file))) ?? []),
    program("operator", "operator", "src/main.ts"),
    // Brings what every schema gets first.
    {
      ...program("migrator", "operator", "src/migrator/main.ts"),
      migrations: path.join(root, "packages/postgres/migrations"),
    },
    program("cli", "cli", "src/cluster/main.ts"),
  ];
}

const program = (name: string, folder: string, main: string): Program => ({
  name,
  folder: path.join(root, folder),
  main: path.join(root, folder, main),
  migrations: undefined,
});

/** Undefined for a service that is not written in TypeScript: it has a Dockerfile of its own. */
function service(folder: string): Program | undefined {
  const main = entryPoint(folder);
  if (main === undefined) return undefined;
  const { metadata } = parse(readFileSync(path.join(folder, "platformservice.yaml"), "utf8"));
  const migrations = path.join(folder, "migrations");
  return { name: metadata.name, folder, main, migrations: existsSync(migrations) ? migrations : undefined };
}
