import type { TestProject } from "vitest/node";
import { prepareCluster, type Target } from "./platform.ts";

declare module "vitest" {
  interface ProvidedContext {
    target: Target;
  }
}

/** The cluster stays up afterwards: the next run starts at once. `npm run cluster -- down` ends it. */
export default async function setup(project: TestProject): Promise<void> {
  const print = (line: string): void => void process.stdout.write(`${line}\n`);
  project.provide("target", await prepareCluster(print));
}
