import { withDefaults } from "./defaults.ts";
import type { PlatformService } from "./platform-service.ts";
import type { Finding, Path } from "./problem.ts";
import { ruleChecker } from "./rules.ts";
import { platformService } from "./schema/platform-service.ts";
import { structureChecker } from "./structure.ts";

const checkStructure = lazy(() => structureChecker(platformService));
const checkRules = lazy(() => ruleChecker(platformService));

/**
 * Everything wrong with a value that should be a PlatformService; empty when it is one. With `old`, the version that
 * it replaces, also changes that are not allowed.
 */
export function validate(value: unknown, old?: PlatformService): Finding[] {
  const structural = checkStructure()(value);
  // A rule about a place that already has the wrong shape would only repeat it in other words.
  const wrong = structural.filter((finding) => finding.atKey !== true).map((finding) => finding.path);
  const skip = (path: Path) => wrong.some((bad) => isWithin(bad, path) || isWithin(path, bad));
  // Rules see defaults, as in an API server: a port may collide with one that nobody wrote.
  return [...structural, ...checkRules()(withDefaults(platformService, value), old, skip)];
}

const isWithin = (inner: Path, outer: Path): boolean => outer.every((part, i) => inner[i] === part);

function lazy<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
