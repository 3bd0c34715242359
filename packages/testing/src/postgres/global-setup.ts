import type { TestProject } from "vitest/node";
import { startTestPostgres } from "./start-test-postgres.ts";

declare module "vitest" {
  interface ProvidedContext {
    postgresUrl: string;
  }
}

/** One PostgreSQL for the whole run; every test file makes databases of its own in it. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const postgres = await startTestPostgres(process.env);
  project.provide("postgresUrl", postgres.url);
  return () => postgres.stop();
}
