import path from "node:path";
import { platformServiceNames } from "@plinth/kernel";
import { expect, test } from "vitest";
import { repositoryFiles } from "./repository-files.ts";

test("the platform's services are those that have a manifest", () => {
  const manifests = repositoryFiles("services/*/platformservice.yaml");
  expect(manifests.map((file) => path.posix.basename(path.posix.dirname(file)))).toEqual(platformServiceNames);
});
