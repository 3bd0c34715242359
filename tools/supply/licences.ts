import { programs } from "../images/image-list.ts";
import { shippedPackages } from "../images/stage-program.ts";
import { licenceProblem } from "./licence-rules.ts";
import { readPackages, type ShippedPackage } from "./shipped-package.ts";

/** The page docs/licences.md. Throws when something is shipped that may not be. */
export async function licencesReference(): Promise<string> {
  const images = new Map<string, Set<string>>();
  const folders: string[] = [];
  for (const program of programs()) {
    const packages = await shippedPackages(program);
    folders.push(...packages);
    for (const { name, version } of readPackages(packages)) {
      const key = `${name}@${version}`;
      images.set(key, (images.get(key) ?? new Set()).add(program.name));
    }
  }
  const shipped = readPackages(folders).filter(({ name }) => !isForOnePlatform(name));
  const problems = shipped.flatMap((one) => licenceProblem(one) ?? []);
  if (problems.length > 0) throw new Error(`licences:\n  ${problems.join("\n  ")}`);
  return page(shipped, images, programs().length);
}

/** Packages with native code have one more for each platform, and which is installed depends on the machine. */
const isForOnePlatform = (name: string): boolean => /-(linux|darwin|win32)-/.test(name);

function page(shipped: readonly ShippedPackage[], images: Map<string, Set<string>>, count: number): string {
  const rows = shipped.map(({ name, version, licence }) => {
    const within = [...(images.get(`${name}@${version}`) ?? [])].sort();
    return `| ${name} | ${version} | ${licence} | ${within.length === count ? "all" : within.join(", ")} |`;
  });
  return [
    "# Packages of others in our images",
    "",
    "Made by `npm run generate`. Every image holds their licence texts (`/app/LICENSES.txt`) and the same list for tools (`/app/sbom.cdx.json`, CycloneDX 1.6). Node and",
    "the base image are chosen when an image is built and are not in these lists.",
    "",
    "| package | version | licence | in |",
    "|---|---|---|---|",
    ...rows,
    "",
  ].join("\n");
}
